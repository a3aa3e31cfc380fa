"""The code and versions that made a file, and whether the file is unchanged."""

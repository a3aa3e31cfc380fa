"""What made a file, and whether it is still what was made."""

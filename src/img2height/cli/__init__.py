"""The command line: what a person types, and how programs start and end."""

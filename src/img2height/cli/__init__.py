"""The command line, and the start and end of every program."""

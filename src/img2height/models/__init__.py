"""The model folder: what a training writes and everything else reads."""

"""Training samples: which windows, how they are transformed and normalised."""

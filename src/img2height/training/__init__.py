"""Training of one method on one fold with one seed."""

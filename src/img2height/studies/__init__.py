"""Studies: one experiment in several variants, and what the comparison says."""

"""Studies: one experiment in several variants, and the answer that their comparison gives."""

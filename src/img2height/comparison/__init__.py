"""How sure the scores are: block bootstrap intervals and paired comparisons of methods."""

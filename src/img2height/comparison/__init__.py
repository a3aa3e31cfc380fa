"""The uncertainty of scores: block bootstrap intervals and paired comparisons of methods."""

"""The report: score tables, figures that a person can judge, and one self-contained page."""

"""The report: score tables, figures, and one self-contained page."""

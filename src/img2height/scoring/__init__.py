"""Scores of rasters and polygons: reading, strata and sums."""

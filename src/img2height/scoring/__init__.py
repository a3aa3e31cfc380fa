"""From rasters and polygons to scores: what is read, where it counts, and how it adds up."""

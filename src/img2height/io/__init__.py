"""Files: grids, rasters, tables and atomic writes; the only place with GDAL options."""

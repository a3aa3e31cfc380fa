"""How rasters are stored."""

from typing import Literal

Compression = Literal["zstd", "deflate"]  # lossless; OpenCV 5 and georaster 1.6 cannot read zstd

PARQUET = (".parquet", ".geoparquet")
VECTORS = (*PARQUET, ".gpkg", ".geojson", ".json", ".shp", ".fgb", ".gml", ".gdb")  # suffixes of vector files
CLOUDS = (".laz", ".las")  # suffixes of point clouds; COPC files end in .copc.laz

"""Building footprints, polygons and block models from height maps."""

from img2height.buildings.cityjson import write_cityjson
from img2height.buildings.mask import footprint_mask, vegetation_index
from img2height.buildings.polygons import extract, write_buildings

__all__ = ["extract", "footprint_mask", "vegetation_index", "write_buildings", "write_cityjson"]

"""Building footprints, polygons and block models from height maps."""

from img2height.buildings.files import write_buildings
from img2height.buildings.mask import footprint_mask, vegetation_index
from img2height.buildings.polygons import extract

__all__ = ["extract", "footprint_mask", "vegetation_index", "write_buildings"]

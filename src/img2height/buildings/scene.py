"""The buildings of a scene from a predicted height map."""

import logging
from contextlib import ExitStack
from pathlib import Path

import geopandas
import numpy as np

from img2height.buildings.mask import footprint_mask, index_name, probable_mask
from img2height.buildings.polygons import extract
from img2height.rasters import open_raster, read_heights
from img2height.scenes.heights import RELATIVE, read_above_ground, require_same_grid
from img2height.scenes.scene import Scene
from img2height.settings import Buildings

logger = logging.getLogger(__name__)


def extract_scene(
    height_tif: str | Path, scene: Scene, settings: Buildings, probability_tif: str | Path | None = None
) -> tuple[np.ndarray, geopandas.GeoDataFrame]:
    """Return the footprint mask, HxW uint8 (1, 0, 255 unknown), and the buildings of a predicted height map.

    Relative heights make no buildings: all is unknown.

    Args:
        height_tif: predicted heights in metres on the scene's grid.
        scene: gives the image that tells vegetation, and the terrain where it has one.
        settings: thresholds; see `footprint_mask` and `extract`.
        probability_tif: probability of a building, of a method that tells footprints; it decides alone.

    Raises:
        DataError: the heights lie on another grid than the scene.
    """
    grid = scene.grid
    with ExitStack() as stack:
        heights = stack.enter_context(open_raster(height_tif))
        require_same_grid(heights, grid, f"scene {scene.dataset}/{scene.name}")
        terrain = stack.enter_context(open_raster(scene.path("dtm"))) if "dtm" in scene.layers else None
        relative = heights.descriptions[0] == RELATIVE
        height = np.full(grid.shape, np.nan, np.float32) if relative else read_above_ground(heights, terrain)
        ground = None if terrain is None else read_heights(terrain)
    footprint = _footprint(height, scene, settings, probability_tif)
    return footprint, extract(
        height, footprint, grid.transform, grid.crs, simplify_m=settings.simplify_m, ground=ground
    )


def _footprint(height: np.ndarray, scene: Scene, settings: Buildings, probability_tif: str | Path | None) -> np.ndarray:
    if probability_tif is None:
        thresholds = settings.model_dump(exclude={"simplify_m"})
        return footprint_mask(height, *read_image(scene), scene.grid.gsd_m, **thresholds)
    with open_raster(probability_tif) as raster:
        require_same_grid(raster, scene.grid, f"scene {scene.dataset}/{scene.name}")
        probability = read_heights(raster)
    sizes = settings.model_dump(include={"min_area_m2", "max_hole_m2"})
    return probable_mask(probability, scene.grid.gsd_m, **sizes)


def read_image(scene: Scene) -> tuple[np.ndarray | None, list[str]]:
    """Return the image of a scene, CxHxW float32 with NaN where there is none, and its bands.

    None where the bands allow no vegetation index, as a panchromatic image: trees then count as buildings.
    """
    bands = scene.layers["eo"].bands if "eo" in scene.layers else []
    if index_name(bands) is None:
        logger.warning(
            "scene %s/%s: bands %s tell no vegetation, so height alone decides", scene.dataset, scene.name, bands
        )
        return None, bands
    with open_raster(scene.path("eo")) as image:
        return image.read(masked=True).astype(np.float32).filled(np.nan), bands

"""The buildings of a scene from a predicted height map."""

import logging
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import geopandas
import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.buildings.raster import Image, Sources, extract_raster
from img2height.heights import RELATIVE, read_above_ground
from img2height.io.grid import require_same_grid
from img2height.io.rasters import open_raster, read_heights
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Buildings

logger = logging.getLogger(__name__)

READ = ("eo", "dtm")  # the layers of a scene that its buildings depend on


def extract_scene(
    height_tif: str | Path, scene: Scene, settings: Buildings, footprint: str | Path,
    probability_tif: str | Path | None = None,
) -> geopandas.GeoDataFrame:  # fmt: skip
    """Return the buildings of a predicted height map, and write their footprints as a COG; see `extract_raster`.

    Relative heights make no buildings: all is unknown.

    Args:
        height_tif: predicted heights in metres on the scene's grid.
        scene: gives the image that tells vegetation, and the terrain where it has one.
        settings: thresholds; see `footprint_mask` and `extract`.
        footprint: the COG.
        probability_tif: probability of a building, of a method that tells footprints; it decides alone.

    Raises:
        DataError: the heights lie on another grid than the scene.
    """
    with ExitStack() as stack:
        heights, terrain, image, probability = (
            stack.enter_context(open_raster(path)) if path else None
            for path in (height_tif, *(_path(scene, name) for name in ("dtm", "eo")), probability_tif)
        )
        for raster in filter(None, (heights, probability)):
            require_same_grid(raster, scene.grid, f"scene {scene.dataset}/{scene.name}")
        sources = Sources(
            scene.grid,
            partial(_above_ground, heights, terrain),
            None if probability else _image(scene, image),
            probability and partial(read_heights, probability),
            terrain and partial(read_heights, terrain),
        )
        return extract_raster(sources, settings, footprint)


def _path(scene: Scene, layer: str) -> Path | None:
    return scene.path(layer) if layer in scene.layers else None


def _above_ground(heights: DatasetReader, terrain: DatasetReader | None, window: Window) -> np.ndarray:
    if heights.descriptions[0] == RELATIVE:
        return np.full((window.height, window.width), np.nan, np.float32)
    return read_above_ground(heights, terrain, window)


def _image(scene: Scene, image: DatasetReader | None) -> Image | None:
    """Return what tells vegetation; None where no bands do, as of a panchromatic image: trees count as buildings."""
    bands = scene.layers["eo"].bands if image else []
    if (found := Image.of(image, bands)) is None:
        logger.warning(
            "scene %s/%s: bands %s tell no vegetation, so height alone decides", scene.dataset, scene.name, bands
        )
    return found

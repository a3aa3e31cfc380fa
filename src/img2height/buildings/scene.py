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
from img2height.buildings.regions import Reader
from img2height.errors import DataError
from img2height.heights import read_above_ground
from img2height.io.grid import Grid
from img2height.io.rasters import bounded_cache, open_raster, read_heights
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Buildings
from img2height.vocabulary.outputs import CLASSES, FOOTPRINT, WALL
from img2height.vocabulary.quantities import RELATIVE

logger = logging.getLogger(__name__)

READ = ("eo", "dtm")  # the layers of a scene that its buildings depend on


def extract_scene(
    height_tif: str | Path, scene: Scene, settings: Buildings, footprint: str | Path,
    probability_tif: str | Path | None = None,
) -> geopandas.GeoDataFrame:  # fmt: skip
    """Return the buildings of a predicted height map, and write their footprints as a COG; see `extract_raster`.

    Relative heights give no buildings: the whole mask is missing.

    Args:
        height_tif: predicted heights in metres on the scene's grid.
        scene: provides the image that shows vegetation, and the terrain if it has one.
        settings: thresholds; see `footprint_mask` and `extract`.
        footprint: the COG.
        probability_tif: holds the building probability of a method that predicts footprints, which then decides alone,
            and perhaps the probability of a wall.

    Raises:
        DataError: the heights are on another grid than the scene.
    """
    with bounded_cache(), ExitStack() as stack:
        heights, terrain, image, probability = (
            stack.enter_context(open_raster(path)) if path else None
            for path in (height_tif, *(_path(scene, name) for name in ("dtm", "eo")), probability_tif)
        )
        for raster in filter(None, (heights, probability)):
            Grid.of(raster).require(scene.grid, raster.name, f"scene {scene.dataset}/{scene.name}")
        sources = Sources(
            scene.grid,
            partial(_above_ground, heights, terrain),
            None if probability else _image(scene, image),
            probability and _band(probability, FOOTPRINT),
            terrain and partial(read_heights, terrain),
            _band(probability, WALL) if probability and CLASSES[WALL].band in probability.descriptions else None,
        )
        return extract_raster(sources, settings, footprint)


def _band(raster: DatasetReader, name: str) -> Reader:
    """Return what reads the probability of a class of pixels."""
    band = CLASSES[name].band
    if band not in raster.descriptions:
        raise DataError(f"{raster.name}: has no band {band}, found {', '.join(map(str, raster.descriptions))}")
    return partial(read_heights, raster, band=raster.descriptions.index(band) + 1)


def _path(scene: Scene, layer: str) -> Path | None:
    return scene.path(layer) if layer in scene.layers else None


def _above_ground(heights: DatasetReader, terrain: DatasetReader | None, window: Window) -> np.ndarray:
    if heights.descriptions[0] == RELATIVE:
        return np.full((window.height, window.width), np.nan, np.float32)
    return read_above_ground(heights, terrain, window)


def _image(scene: Scene, image: DatasetReader | None) -> Image | None:
    """Return the bands that show vegetation; None if there are none, as in a panchromatic image: trees then count."""
    bands = scene.layers["eo"].bands if image else []
    if (found := Image.of(image, bands)) is None:
        logger.warning(
            "scene %s/%s: bands %s show no vegetation, so only the height decides", scene.dataset, scene.name, bands
        )
    return found

"""Writes the intervals of a height map: interval.tif."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import geopandas
import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.conformal.calibration import LEVEL, Calibration, read_calibration
from img2height.heights import read_above_ground
from img2height.io.areas import area_mask
from img2height.io.grid import Grid
from img2height.io.rasters import height_band, open_raster, read_heights, write_heights
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_of
from img2height.vocabulary.quantities import ABOVE_GROUND, RELATIVE, SURFACE, TERRAIN

BANDS = ("height_low", "height_high")


class Calibrated(NamedTuple):
    """The calibration of the model that predicted an area, a polygon in pixel coordinates; None is the whole raster."""

    area: BaseGeometry | None
    calibration: Calibration


def calibrated_folds(areas: geopandas.GeoDataFrame, scene: Scene, folds: Iterable[tuple[str, str]]) -> list[Calibrated]:
    """Return the test area of each fold in a scene with the calibration of its model.

    Args:
        areas: the areas of the parts, see `split_folds`.
        scene: the scene.
        folds: number of each fold, and the path of its calibration.json.
    """
    return [
        Calibrated(area_of(areas, "test", scene.dataset, scene.name, int(number)), read_calibration(Path(calibration)))
        for number, calibration in folds
    ]


def write_intervals(height_tif: Path, terrain_tif: Path | None, folds: Sequence[Calibrated], out: Path) -> None:
    """Write the 90 % intervals of a height map as a COG: bands `height_low` and `height_high`, float32 metres.

    Both are missing (-9999) where the height is missing, and where the calibration has no margin for it.

    Args:
        height_tif: predicted heights, with their quantity as the band's description.
        terrain_tif: terrain on the same grid, for the class of a surface height; None if there is none.
        folds: the calibration of each area.
        out: the COG.

    Raises:
        DataError: a raster cannot be read or written.
    """
    with ExitStack() as stack:
        heights = stack.enter_context(open_raster(height_tif))
        terrain = stack.enter_context(open_raster(terrain_tif)) if terrain_tif else None
        grid = Grid.of(heights)
        if terrain:
            Grid.of(terrain).require(grid, terrain.name, heights.name)

        def bounds(block: Window) -> np.ndarray:
            found = np.full((2, block.height, block.width), np.nan, np.float32)
            for fold in folds:
                inside = slice(None) if fold.area is None else area_mask(fold.area, block)
                found[:, inside] = read_bounds(heights, terrain, block, fold.calibration)[:, inside]
            return found

        write_heights(out, grid, [height_band(name) for name in BANDS], bounds)


def read_bounds(
    heights: DatasetReader, terrain: DatasetReader | None, window: Window, calibration: Calibration,
    level: float = LEVEL,
) -> np.ndarray:  # fmt: skip
    """Return the interval of each predicted height, 2 x H x W float32 metres: low and high; NaN where missing.

    Args:
        heights: predicted heights, with their quantity as the band's description.
        terrain: terrain on the same grid, for the class of a surface height.
        window: part of the grid.
        calibration: of the model that predicted them.
        level: one of `LEVELS`.
    """
    height_m, quantity = read_heights(heights, window), heights.descriptions[0]
    if quantity == RELATIVE:
        return np.full((2, *height_m.shape), np.nan, np.float32)
    without_class = quantity == TERRAIN or (quantity == SURFACE and terrain is None)
    above_m = None if without_class else read_above_ground(heights, terrain, window)
    below, above = calibration.pixel_margins(above_m, height_m.shape, level)
    bounds = np.stack([height_m - below, height_m + above])
    return bounds.clip(min=0) if quantity in ABOVE_GROUND else bounds

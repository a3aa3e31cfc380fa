"""Errors of a height map by pixel and by building, from which its intervals are calibrated."""

import logging
import math
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.heights import read_compared
from img2height.io.areas import area_mask
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster
from img2height.metrics.correlation import CorrelationStatistics
from img2height.scenes.scene import Scene
from img2height.scoring.buildings import given_heights
from img2height.vocabulary.quantities import REFERENCES, RELATIVE, TERRAIN, quantity_of

logger = logging.getLogger(__name__)

SAMPLES_A_SIDE = 64  # of a tile: neighbouring pixels are redundant


class Located(NamedTuple):
    """Errors at their places in a scene.

    Attributes:
        height_m: N, predicted heights above ground; NaN if the prediction is not above ground.
        error_m: N, truth minus prediction.
        row: N, pixel coordinates.
        column: N.
    """

    height_m: np.ndarray
    error_m: np.ndarray
    row: np.ndarray
    column: np.ndarray


class SceneErrors(NamedTuple):
    """The errors of a height map of one scene.

    Attributes:
        pixels: a regular sample, at most 64 x 64 per tile.
        buildings: of the heights inside the reference outlines, at points inside them.
        correlation: of the errors of pixels.
    """

    pixels: Located
    buildings: Located
    correlation: CorrelationStatistics


def scene_errors(height_tif: Path, scene: Scene, area: BaseGeometry, tile_px: int) -> SceneErrors:
    """Return the errors of a height map inside an area; none for relative heights, or without a reference for them.

    Args:
        height_tif: predicted heights on the grid of the scene.
        scene: with the reference.
        area: polygon in pixel coordinates.
        tile_px: side of the tiles whose grid starts at the corner of the scene.
    """
    found, correlation = [], CorrelationStatistics()
    with ExitStack() as stack:
        heights = stack.enter_context(open_raster(height_tif))
        if (names := references(heights.descriptions[0], scene)) is None:
            logger.warning("scene %s/%s: has no reference for its heights", scene.dataset, scene.name)
            return SceneErrors(_located([]), _located([]), correlation)
        layers = {name: stack.enter_context(open_raster(scene.path(name))) for name in names}
        above_ground = heights.descriptions[0] != TERRAIN
        for window in tiles_in(area, scene.grid, tile_px):
            predicted, truth = read_compared(heights, layers, window)
            truth = np.where(area_mask(area, window), truth, np.float32(np.nan))
            correlation += CorrelationStatistics.from_tiles(predicted, truth, tile_px)
            found.append(_sampled(predicted, truth, window, math.ceil(tile_px / SAMPLES_A_SIDE), above_ground))
    return SceneErrors(_located(found), _of_buildings(height_tif, scene, area), correlation)


def tiles_in(area: BaseGeometry, grid: Grid, tile_px: int) -> list[Window]:
    """Return the tiles that contain a pixel centre of an area, row by row.

    Args:
        area: polygon in pixel coordinates.
        grid: of the scene; tiles at its end are clipped.
        tile_px: side of the tiles.
    """
    windows = list(grid.blocks(tile_px))
    corners = np.array([(w.col_off, w.row_off, w.col_off + w.width, w.row_off + w.height) for w in windows])
    centres = corners + np.array([0.5, 0.5, -0.5, -0.5])  # a tile that only touches the area is not in it
    shapely.prepare(area)
    shared = shapely.intersects(area, shapely.box(*centres.T)) if windows else []
    return [window for window, inside in zip(windows, shared, strict=True) if inside]


def references(quantity: str, scene: Scene) -> list[str] | None:
    """Return the layers with which heights are compared; None if the scene has too few, or heights are not in metres.

    Args:
        quantity: of the heights.
        scene: with its layers.
    """
    compared = quantity_of(quantity)
    needed = {compared.reference(scene.layers), *compared.needs}
    if quantity == RELATIVE or needed - scene.layers.keys():
        return None
    return [name for name in REFERENCES if name in scene.layers]


def _sampled(predicted: np.ndarray, truth: np.ndarray, window: Window, step: int, above_ground: bool) -> Located:
    """Return the errors at every `step`-th pixel of every `step`-th row where both heights are valid."""
    rows, columns = np.mgrid[step // 2 : window.height : step, step // 2 : window.width : step]
    height_m, true_m = predicted[rows, columns], truth[rows, columns]
    both = np.isfinite(height_m) & np.isfinite(true_m)
    shown = height_m[both] if above_ground else np.full(both.sum(), np.nan, np.float32)
    place = rows[both] + window.row_off, columns[both] + window.col_off
    return Located(shown, (true_m - height_m)[both], *place)


def _of_buildings(height_tif: Path, scene: Scene, area: BaseGeometry) -> Located:
    table = given_heights(scene, height_tif, area)
    if table is None:
        return _located([])
    table = table.dropna(subset=["predicted_m", "reference_m"])
    error_m = table["reference_m"] - table["predicted_m"]
    return Located(*(values.to_numpy() for values in (table["predicted_m"], error_m, table["row"], table["column"])))


def _located(parts: list[Located]) -> Located:
    empty = Located(*(np.zeros(0, kind) for kind in (np.float32, np.float32, np.int64, np.int64)))
    return Located(*(np.concatenate(values) for values in zip(empty, *parts, strict=True)))

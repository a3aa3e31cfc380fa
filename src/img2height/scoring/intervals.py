"""How often the intervals of heights contain the reference, by tile and class of predicted height."""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.conformal.calibration import LEVELS, Calibration
from img2height.conformal.raster import Calibrated
from img2height.errors import DataError
from img2height.heights import read_compared
from img2height.io.areas import area_mask
from img2height.io.rasters import open_raster
from img2height.io.tables import read_table
from img2height.scenes.scene import Scene
from img2height.scoring.buildings import given_heights
from img2height.scoring.errors import references, tiles_in
from img2height.vocabulary.classes import HEIGHTS_M
from img2height.vocabulary.quantities import ABOVE_GROUND, TERRAIN
from img2height.vocabulary.tiles import SCENE

PIXELS, BUILDINGS = "pixels", "buildings"
STRATA = ("all", *HEIGHTS_M)
COUNTS = ("count", "bounded", "covered", "width_sum_m")
COLUMNS = ["row_off", "col_off", "kind", "stratum", "level", *COUNTS]


def interval_tiles(height_tif: Path, scene: Scene, folds: Sequence[Calibrated], tile_px: int) -> pandas.DataFrame:
    """Return a row for each tile, kind, class of predicted height and level with the columns of `COLUMNS`.

    `count` pixels or buildings have a prediction and a reference, `bounded` of them an interval, and `covered` of these
    have their reference inside. Buildings are those of the reference, with the heights predicted inside their outlines.

    Args:
        height_tif: predicted heights on the grid of the scene.
        scene: with the reference.
        folds: test area and calibration of each fold.
        tile_px: side of the tiles of the scores.
    """
    rows = []
    for fold in folds:
        if fold.area is not None and not fold.area.is_empty:
            rows += list(_of_pixels(height_tif, scene, fold.area, fold.calibration, tile_px))
            rows += list(_of_buildings(height_tif, scene, fold.area, fold.calibration, tile_px))
    table = pandas.DataFrame(rows, columns=COLUMNS)
    return table.astype({"kind": "str", "stratum": "str"}).assign(dataset=scene.dataset, scene=scene.name)


def read_interval_tiles(path: Path) -> pandas.DataFrame:
    """Return the table of a method and seed: dataset, scene and `COLUMNS`.

    Raises:
        DataError: the file is missing, or lacks a column.
    """
    table = read_table(path)
    if missing := [name for name in (*SCENE, *COLUMNS) if name not in table]:
        raise DataError(f"{path}: has no column {missing[0]!r}; was it written by another version? Evaluate again")
    return table


def _of_pixels(
    height_tif: Path, scene: Scene, area: BaseGeometry, calibration: Calibration, tile_px: int
) -> Iterator[tuple[object, ...]]:
    with ExitStack() as stack:
        heights = stack.enter_context(open_raster(height_tif))
        if (names := references(heights.descriptions[0], scene)) is None:
            return
        layers = {name: stack.enter_context(open_raster(scene.path(name))) for name in names}
        least_m = 0.0 if heights.descriptions[0] in ABOVE_GROUND else -math.inf
        for window in tiles_in(area, scene.grid, tile_px):
            predicted, truth, above = _read(heights, layers, window, area)
            margins = {level: calibration.pixel_margins(above, predicted.shape, level) for level in LEVELS}
            place = int(window.row_off), int(window.col_off), PIXELS
            yield from ((*place, *row) for row in _counts(predicted, truth, above, margins, least_m))


def _read(
    heights: DatasetReader, layers: dict[str, DatasetReader], window: Window, area: BaseGeometry
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return prediction and reference where both are valid, N each, and the heights above ground, if they are such."""
    predicted, truth = read_compared(heights, layers, window)
    both = np.isfinite(predicted) & np.isfinite(truth) & area_mask(area, window)
    above_ground = heights.descriptions[0] != TERRAIN
    return predicted[both], truth[both], predicted[both] if above_ground else None


def _of_buildings(
    height_tif: Path, scene: Scene, area: BaseGeometry, calibration: Calibration, tile_px: int
) -> Iterator[tuple[object, ...]]:
    table = given_heights(scene, height_tif, area)
    if table is None or table.dropna().empty:
        return
    table = table.dropna()
    corners = (table[["row", "column"]] // tile_px * tile_px).astype("int64")
    for (row, column), own in table.groupby([corners["row"], corners["column"]]):
        predicted, truth = own["predicted_m"].to_numpy(), own["reference_m"].to_numpy()
        margins = {level: calibration.building_margins(predicted, level) for level in LEVELS}
        yield from ((row, column, BUILDINGS, *counts) for counts in _counts(predicted, truth, predicted, margins, 0.0))


def _counts(
    predicted: np.ndarray,
    truth: np.ndarray,
    above: np.ndarray | None,
    margins: dict[float, np.ndarray],
    least_m: float,
) -> Iterator[tuple[object, ...]]:
    """Yield class, level and `COUNTS` of all heights and of each class; intervals do not reach below `least_m`.

    That of a height below `least_m` begins at the height.
    """
    limits = [high for _, high in HEIGHTS_M.values()][:-1]
    place = np.zeros(len(predicted), np.int64) if above is None else 1 + np.searchsorted(limits, above)
    for level, (below_m, above_m) in margins.items():
        bounded, high_m = np.isfinite(below_m), predicted + above_m
        low_m = np.maximum(predicted - below_m, np.minimum(predicted, least_m))
        covered = bounded & (truth >= low_m) & (truth <= high_m)
        width_m = np.where(bounded, high_m - low_m, 0)
        sums = [np.bincount(place, values, len(STRATA)) for values in (np.ones(len(place)), bounded, covered, width_m)]
        table = np.stack(sums, axis=1)  # strata x counts
        table[0] = table.sum(axis=0)
        for stratum, (count, *others) in zip(STRATA, table.tolist(), strict=True):
            if count:
                yield (stratum, level, count, *others)

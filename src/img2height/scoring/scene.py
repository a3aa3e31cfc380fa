"""Scores of one scene, block by block; the statistics can be summed over scenes."""

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import iadd
from pathlib import Path
from typing import Any, Self

import geopandas
import numpy as np
import pandas
import shapely
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.io.areas import window_box
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster
from img2height.metrics.confusion import ConfusionStatistics
from img2height.metrics.correlation import CorrelationStatistics
from img2height.metrics.formulas import scores_of
from img2height.metrics.statistics import ErrorStatistics, require_ratio_height
from img2height.metrics.sums import FRACTION_BITS
from img2height.scoring.landcover import BuildingSizes
from img2height.scoring.reader import SceneReader
from img2height.scoring.strata import NONZERO, STRATA
from img2height.scoring.totals import Constants, Totals

BLOCK_PX = 512


@dataclass(frozen=True)
class SceneStatistics:
    """Statistics of one scene or of a sum of scenes.

    Attributes:
        strata: the height errors of each of `STRATA`.
        nonzero: the same of `NONZERO`, without references of exactly zero.
        footprint: predicted against reference building mask.
        ssim_sum: sum over tiles, in multiples of 2**-30.
        ssim_tiles: number of tiles that are completely inside the area and contain a window without nodata.
        correlation: statistics of the correlation length of the errors in pixels.
        tiles: the table of the tiles of one scene, see `tile_rows`; empty in a sum of scenes.
    """

    strata: dict[str, ErrorStatistics]
    nonzero: dict[str, ErrorStatistics]
    footprint: ConfusionStatistics = field(default_factory=ConfusionStatistics)
    ssim_sum: int = 0
    ssim_tiles: int = 0
    correlation: CorrelationStatistics = field(default_factory=CorrelationStatistics)
    tiles: pandas.DataFrame = field(default_factory=pandas.DataFrame, compare=False)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            {name: statistics + other.strata[name] for name, statistics in self.strata.items()},
            {name: statistics + other.nonzero[name] for name, statistics in self.nonzero.items()},
            self.footprint + other.footprint,
            self.ssim_sum + other.ssim_sum,
            self.ssim_tiles + other.ssim_tiles,
            self.correlation + other.correlation,
        )

    def height_scores(self) -> dict[str, dict[str, Any]]:
        """Return the scores of each stratum; `all` includes the mean SSIM over tiles."""
        scores = {name: statistics.scores() for name, statistics in self.strata.items()}
        ssim = self.ssim_sum / (self.ssim_tiles << FRACTION_BITS) if self.ssim_tiles else None
        scores["all"] |= scores_of("tiles", mean_ssim=ssim) | {"ssim_tiles": self.ssim_tiles}
        return scores


def evaluate_scene(
    prediction_tif: str | Path,
    scene: Mapping[str, str | Path],
    area: BaseGeometry | None = None,
    *,
    ratio_min_height_m: float,
    ssim_range_m: float,
    tile_px: int,
    buildings: geopandas.GeoSeries | None = None,
    block_px: int = BLOCK_PX,
    threads: int = 1,
) -> SceneStatistics:
    """Return the statistics of one predicted height map.

    Args:
        prediction_tif: predicted heights in metres on the scene's grid.
        scene: rasters on the same grid: the reference (`ndsm`, or `dtm` for a terrain model), and optionally `dtm`
            (needed for a predicted surface model), `footprint` (the predicted mask, 1, 0, 255 nodata) and the masks of
            `read_kinds`.
        area: pixels to score, in pixel coordinates (x column, y row); a pixel belongs if its centre does. None is all.
        ratio_min_height_m: see `ErrorStatistics`; a terrain model has no ratios, because elevations have no natural
            zero.
        ssim_range_m: see `ssim`; a terrain model has no SSIM for the same reason.
        tile_px: side of the tiles of the fixed grid that starts at the corner of the scene.
        buildings: reference buildings in the CRS of the scene, for the strata by size, if any.
        block_px: side of the blocks read at once, at least one tile; it does not change any digit.
        threads: number of blocks scored at a time; it does not change any digit.

    Raises:
        DataError: a raster is missing, or has another grid.
    """
    require_ratio_height(ratio_min_height_m)
    side_px = max(block_px // tile_px, 1) * tile_px
    with _rasters(prediction_tif, scene) as (heights, layers):
        grid = Grid.of(heights)
        for layer in layers.values():
            grid.require(Grid.of(layer), heights.name, layer.name)
        if not SceneReader(heights, layers, None, tile_px).above_ground:
            ratio_min_height_m, ssim_range_m = math.inf, math.nan
    sizes = None if buildings is None else BuildingSizes(buildings, grid)
    windows = iter(_windows(grid, side_px, area))  # shared: each thread takes the next one

    def work(_: int) -> Totals:
        totals = Totals(Constants(ratio_min_height_m, ssim_range_m, tile_px))
        with _rasters(prediction_tif, scene) as (heights, layers):  # its own, because GDAL datasets are not thread-safe
            reader = SceneReader(heights, layers, sizes, tile_px)
            for window, part in windows:
                if (pixels := reader.read(window, part)) is not None:
                    totals.add(window, pixels)
        return totals

    with ThreadPoolExecutor(threads) as pool:
        return _statistics(reduce(iadd, pool.map(work, range(threads))))


@contextmanager
def _rasters(
    prediction_tif: str | Path, scene: Mapping[str, str | Path]
) -> Iterator[tuple[DatasetReader, dict[str, DatasetReader]]]:
    """Yield the open prediction and the open layers of its scene."""
    with ExitStack() as stack:
        heights = stack.enter_context(open_raster(prediction_tif))
        yield heights, {name: stack.enter_context(open_raster(path)) for name, path in scene.items()}


def _statistics(totals: Totals) -> SceneStatistics:
    errors = totals.errors()
    return SceneStatistics(
        strata={name: errors[name] for name in STRATA},
        nonzero={name: errors[name] for name in NONZERO},
        footprint=totals.footprint,
        ssim_sum=totals.ssim_sum,
        ssim_tiles=totals.ssim_tiles,
        correlation=totals.correlation,
        tiles=totals.tiles(),
    )


def _windows(grid: Grid, side_px: int, area: BaseGeometry | None) -> list[tuple[Window, BaseGeometry | None]]:
    """Return the windows of a fixed grid that touch the area, row by row, each with the area if it is not all inside.

    Windows are cut at the right and lower edges of the grid.
    """
    scored, windows = grid.extent if area is None else area, list(grid.blocks(side_px))
    boxes = np.array([window_box(window) for window in windows])
    shapely.prepare(scored)
    touched, covered = shapely.intersects(scored, boxes), shapely.covers(scored, boxes)
    return [
        (window, None if whole else area) for window, some, whole in zip(windows, touched, covered, strict=True) if some
    ]

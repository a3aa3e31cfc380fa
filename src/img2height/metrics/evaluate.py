"""Scores of one scene, read tile by tile; the statistics add up over scenes."""

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.metrics.statistics import ConfusionStatistics, ErrorStatistics
from img2height.metrics.strata import STRATA, read_mask, read_strata
from img2height.metrics.structure import ssim
from img2height.metrics.sums import exact_sum, mean, quantise
from img2height.rasters import Grid, open_raster
from img2height.scenes.heights import TERRAIN, read_compared, require_same_grid
from img2height.tiles.areas import area_mask, area_window


class TileScores(NamedTuple):
    """The errors of one tile, in metres; None where no pixel has both prediction and reference."""

    col_off: int
    row_off: int
    pixels: int
    mae_m: float | None
    rmse_m: float | None
    bias_m: float | None


@dataclass(frozen=True)
class SceneStatistics:
    """Statistics of one scene or of a sum of scenes.

    Attributes:
        strata: the height errors of each of `STRATA`.
        footprint: predicted against reference building mask.
        ssim_sum: sum over tiles, in multiples of 2**-30.
        ssim_tiles: tiles that lie wholly in the area and hold a window without unknown pixels.
        tiles: rows of the tiles of one scene; a sum of scenes has none.
    """

    strata: dict[str, ErrorStatistics]
    footprint: ConfusionStatistics = field(default_factory=ConfusionStatistics)
    ssim_sum: int = 0
    ssim_tiles: int = 0
    tiles: tuple[TileScores, ...] = ()

    @classmethod
    def empty(cls, ratio_min_height_m: float) -> Self:
        """Return the neutral element of the sum."""
        return cls(dict.fromkeys(STRATA, ErrorStatistics(ratio_min_height_m=ratio_min_height_m)))

    def __add__(self, other: Self) -> Self:
        return type(self)(
            {name: statistics + other.strata[name] for name, statistics in self.strata.items()},
            self.footprint + other.footprint,
            self.ssim_sum + other.ssim_sum,
            self.ssim_tiles + other.ssim_tiles,
        )

    def height_scores(self) -> dict[str, dict[str, Any]]:
        """Return the scores of each stratum; that of all pixels holds the mean SSIM over tiles too."""
        scores = {name: statistics.scores() for name, statistics in self.strata.items()}
        scores["all"] |= {"ssim": mean(self.ssim_sum, self.ssim_tiles), "ssim_tiles": self.ssim_tiles}
        return scores

    def scores(self) -> dict[str, dict[str, Any]]:
        """Return the scores of each stratum and of the footprint."""
        return self.height_scores() | {"footprint": self.footprint.scores()}


def evaluate_scene(
    prediction_tif: str | Path,
    scene: Mapping[str, str | Path],
    area: BaseGeometry | None = None,
    *,
    ratio_min_height_m: float,
    ssim_range_m: float,
    tile_px: int,
) -> SceneStatistics:
    """Return the statistics of one predicted height map.

    Args:
        prediction_tif: predicted heights in metres on the scene's grid.
        scene: rasters on the same grid: `ndsm` is the reference, or `dtm` that of a terrain model; `dtm` (needed for a
            predicted surface model), `footprint` (the predicted mask, 1, 0, 255 missing) and the masks of `read_strata`
            may be there.
        area: pixels to score, in pixel coordinates (x column, y row); a pixel belongs if its centre does. None is all.
        ratio_min_height_m: see `ErrorStatistics`; a terrain model has no ratios, for its heights have no natural zero.
        ssim_range_m: see `ssim`; a terrain model has none for the same reason.
        tile_px: side of the tiles of the fixed grid that starts at the corner of the scene.

    Raises:
        DataError: a raster is missing, or lies on another grid.
    """
    with ExitStack() as stack:
        heights = stack.enter_context(open_raster(prediction_tif))
        layers = {name: stack.enter_context(open_raster(path)) for name, path in scene.items()}
        for layer in layers.values():
            require_same_grid(heights, layer, layer.name)
        above_ground = heights.descriptions[0] != TERRAIN
        if not above_ground:
            ratio_min_height_m = math.inf
        total, rows = SceneStatistics.empty(ratio_min_height_m), []
        for window in _tile_windows(Grid.of(heights), tile_px, area):
            inside = np.ones((window.height, window.width), bool) if area is None else area_mask(area, window)
            if inside.any():
                whole = bool(inside.all()) and inside.shape == (tile_px, tile_px)
                range_m = ssim_range_m if whole and above_ground else None
                tile = _evaluate_tile(heights, layers, window, inside, ratio_min_height_m, range_m)
                total += tile
                if tile.strata["all"].reference_pixels:
                    rows.append(_tile_scores(window, tile.strata["all"]))
    return replace(total, tiles=tuple(rows))


def _evaluate_tile(
    heights: DatasetReader,
    layers: Mapping[str, DatasetReader],
    window: Window,
    inside: np.ndarray,
    ratio_min_height_m: float,
    ssim_range_m: float | None,
) -> SceneStatistics:
    """Return the statistics of one tile; SSIM only where a range is given, i.e. for tiles that are whole."""
    predicted, reference = read_compared(heights, layers, window)
    building, footprint = (read_mask(layers, name, window) for name in ("building", "footprint"))
    similarity = None if ssim_range_m is None else ssim(predicted, reference, None, ssim_range_m)
    compared = inside if "footprint" in layers else np.zeros_like(inside)
    return SceneStatistics(
        strata={
            name: ErrorStatistics.from_arrays(predicted, reference, inside & stratum, ratio_min_height_m)
            for name, stratum in read_strata(layers, window).items()
        },
        footprint=ConfusionStatistics.from_arrays(footprint, building, compared),
        ssim_sum=0 if similarity is None else exact_sum(quantise(np.array([similarity]))),
        ssim_tiles=int(similarity is not None),
    )


def _tile_scores(window: Window, statistics: ErrorStatistics) -> TileScores:
    scores = statistics.scores()
    return TileScores(
        window.col_off, window.row_off, scores["pixels"], scores["mae_m"], scores["rmse_m"], scores["bias_m"]
    )


def _tile_windows(grid: Grid, tile_px: int, area: BaseGeometry | None) -> Iterator[Window]:
    """Yield the tiles of the fixed grid that may touch the area, row by row; those at the far edges are cut."""
    box = Window(0, 0, grid.width, grid.height) if area is None else area_window(area)
    first_col, first_row = (max(0, int(start)) // tile_px * tile_px for start in (box.col_off, box.row_off))
    for row in range(first_row, min(grid.height, int(box.row_off + box.height)), tile_px):
        for col in range(first_col, min(grid.width, int(box.col_off + box.width)), tile_px):
            yield Window(col, row, min(tile_px, grid.width - col), min(tile_px, grid.height - row))

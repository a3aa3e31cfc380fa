"""Scores of one scene, read tile by tile; the statistics add up over scenes."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError
from img2height.metrics.statistics import BUILDING, UNKNOWN, ConfusionStatistics, ErrorStatistics
from img2height.metrics.structure import ssim
from img2height.metrics.sums import exact_sum, mean, quantise
from img2height.rasters import Grid, open_raster
from img2height.scenes.heights import read_above_ground, require_same_grid
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
        all: every pixel with a reference height.
        buildings: those that the reference mask calls building.
        footprint: predicted against reference building mask.
        ssim_sum: sum over tiles, in multiples of 2**-30.
        ssim_tiles: tiles that lie wholly in the area and hold a window without unknown pixels.
        tiles: rows of the tiles of one scene; a sum of scenes has none.
    """

    all: ErrorStatistics
    buildings: ErrorStatistics
    footprint: ConfusionStatistics = field(default_factory=ConfusionStatistics)
    ssim_sum: int = 0
    ssim_tiles: int = 0
    tiles: tuple[TileScores, ...] = ()

    @classmethod
    def empty(cls, ratio_min_height_m: float) -> Self:
        """Return the neutral element of the sum."""
        nothing = ErrorStatistics(ratio_min_height_m=ratio_min_height_m)
        return cls(all=nothing, buildings=nothing)

    def __add__(self, other: Self) -> Self:
        names = ("all", "buildings", "footprint", "ssim_sum", "ssim_tiles")
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def scores(self) -> dict[str, Any]:
        """Return the scores of the strata, of the footprint, and the mean SSIM over tiles."""
        return {
            "all": self.all.scores(),
            "buildings": self.buildings.scores(),
            "footprint": self.footprint.scores(),
            "ssim": mean(self.ssim_sum, self.ssim_tiles),
            "ssim_tiles": self.ssim_tiles,
        }


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
        scene: rasters on the same grid: `ndsm` is the reference; `building` (1, 0, 255 unknown), `footprint` (the
            predicted mask, 1, 0, 255 missing) and `dtm` (needed for a predicted surface model) may be there.
        area: pixels to score, in pixel coordinates (x column, y row); a pixel belongs if its centre does. None is all.
        ratio_min_height_m: see `ErrorStatistics`.
        ssim_range_m: see `ssim`.
        tile_px: side of the tiles of the fixed grid that starts at the corner of the scene.

    Raises:
        DataError: a raster is missing, or lies on another grid.
    """
    total, rows = SceneStatistics.empty(ratio_min_height_m), []
    with ExitStack() as stack:
        heights = stack.enter_context(open_raster(prediction_tif))
        layers = {name: stack.enter_context(open_raster(path)) for name, path in scene.items()}
        if "ndsm" not in layers:
            raise DataError(
                f"{prediction_tif}: its scene has no ndsm, so there is no reference height to score against"
            )
        for layer in layers.values():
            require_same_grid(heights, layer, layer.name)
        for window in _tile_windows(Grid.of(heights), tile_px, area):
            inside = np.ones((window.height, window.width), bool) if area is None else area_mask(area, window)
            if inside.any():
                whole = bool(inside.all()) and inside.shape == (tile_px, tile_px)
                tile = _evaluate_tile(
                    heights, layers, window, inside, ratio_min_height_m, ssim_range_m if whole else None
                )
                total += tile
                if tile.all.reference_pixels:
                    rows.append(_tile_scores(window, tile.all))
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
    predicted = read_above_ground(heights, layers.get("dtm"), window)
    reference = read_above_ground(layers["ndsm"], None, window)
    building = _read_mask(layers, "building", window, inside.shape)
    footprint = _read_mask(layers, "footprint", window, inside.shape)
    similarity = None if ssim_range_m is None else ssim(predicted, reference, None, ssim_range_m)
    on_building = inside & (building == BUILDING)
    compared = inside if "footprint" in layers else np.zeros_like(inside)
    return SceneStatistics(
        all=ErrorStatistics.from_arrays(predicted, reference, inside, ratio_min_height_m),
        buildings=ErrorStatistics.from_arrays(predicted, reference, on_building, ratio_min_height_m),
        footprint=ConfusionStatistics.from_arrays(footprint, building, compared),
        ssim_sum=0 if similarity is None else exact_sum(quantise(np.array([similarity]))),
        ssim_tiles=int(similarity is not None),
    )


def _read_mask(layers: Mapping[str, DatasetReader], name: str, window: Window, shape: tuple[int, int]) -> np.ndarray:
    return layers[name].read(1, window=window) if name in layers else np.full(shape, UNKNOWN, dtype=np.uint8)


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

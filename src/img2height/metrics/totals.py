"""What is read of a scene at a time, and what is kept of it: sums, histograms, and rows of tiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import geopandas
import numpy as np
import pandas
import shapely
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.metrics.block import NAMES, Block, BlockSums, sum_block
from img2height.metrics.confusion import ConfusionStatistics, count_outcomes
from img2height.metrics.correlation import CorrelationStatistics
from img2height.metrics.histogram import BINS, ErrorHistogram, fine_bins
from img2height.metrics.statistics import ErrorStatistics
from img2height.metrics.strata import BuildingSizes, read_mask, read_strata
from img2height.metrics.structure import ssim
from img2height.metrics.sums import FRACTION_BITS, quantise
from img2height.metrics.tiles import tile_rows, tile_table
from img2height.rasters import Grid, read_heights
from img2height.scenes.heights import RELATIVE, SURFACE, TERRAIN, known, read_compared
from img2height.tiles.areas import area_mask


class Constants(NamedTuple):
    """How a scene is scored; see `evaluate_scene`. Without an SSIM range (NaN) there is no SSIM."""

    ratio_min_height_m: float
    ssim_range_m: float
    tile_px: int


@dataclass(frozen=True)
class Pixels:
    """A window of a scene.

    Attributes:
        block: heights and strata.
        inside: HxW bool, the area.
        building: HxW uint8, the reference mask.
        footprint: HxW uint8, the predicted mask; None where there is none.
    """

    block: Block
    inside: np.ndarray
    building: np.ndarray
    footprint: np.ndarray | None


class SceneReader:
    """Reads a prediction, its reference and the strata by windows of whole tiles.

    Args:
        heights: open raster, the prediction.
        layers: open rasters of the scene.
        buildings: reference buildings in the CRS of the grid; None has none.
        tile_px: side of the tiles.
    """

    def __init__(
        self,
        heights: DatasetReader,
        layers: Mapping[str, DatasetReader],
        buildings: geopandas.GeoSeries | None,
        tile_px: int,
    ):
        self.heights, self.layers, self.tile_px = heights, layers, tile_px
        self.quantity = heights.descriptions[0]
        self.above_ground = self.quantity != TERRAIN and "ndsm" in layers
        self.sizes = None if buildings is None else BuildingSizes(buildings, Grid.of(heights))

    def read(self, window: Window, area: BaseGeometry | None) -> Pixels | None:
        """Return a window that begins at the corner of a tile, or None where it lies outside the area."""
        inside = _inside(window, area)
        if not inside.any():
            return None
        predicted, truth = self._compared(window)
        tile, tiles = tile_numbers(inside.shape, self.tile_px)
        block = Block(
            predicted, truth, inside & known(truth), self._gauge(window, truth) != 0,
            read_strata(self.layers, window, truth if self.above_ground else None, self.sizes), tile, tiles,
        )  # fmt: skip
        building = read_mask(self.layers, "building", window)
        footprint = read_mask(self.layers, "footprint", window) if "footprint" in self.layers else None
        return Pixels(block, inside, building, footprint)

    def _compared(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return prediction and reference; relative heights are aligned in each tile on its own."""
        if self.quantity != RELATIVE:
            return read_compared(self.heights, self.layers, window)
        both = np.full((2, int(window.height), int(window.width)), np.nan, np.float32)
        for rows, columns in tile_slices(both.shape[1:], self.tile_px):
            left, top = window.col_off + columns.start, window.row_off + rows.start
            tile = Window(left, top, columns.stop - columns.start, rows.stop - rows.start)
            both[:, rows, columns] = read_compared(self.heights, self.layers, tile)
        return both[0], both[1]

    def _gauge(self, window: Window, truth: np.ndarray) -> np.ndarray:
        """Return the reference as its own program would see it: of a surface model the surface, not above ground."""
        if self.quantity != SURFACE:
            return truth
        return truth + read_heights(self.layers["dtm"], window)


class Totals:
    """What adds up over the blocks of a scene; its size does not depend on that of the scene, but for rows of tiles."""

    def __init__(self, constants: Constants):
        self.constants = constants
        self.footprint, self.correlation = ConfusionStatistics(), CorrelationStatistics()
        self.ssim_sum = self.ssim_tiles = 0
        self._whole: dict[str, np.ndarray] = {}
        self._least_m = np.full(len(NAMES), np.inf)
        self._largest_m = np.full(len(NAMES), -np.inf)
        self._fine = np.zeros((len(NAMES), BINS), np.int64)  # pages that hold no error take no memory
        self._rows: list[dict[str, np.ndarray]] = []

    def add(self, window: Window, pixels: Pixels) -> None:
        """Add a block of whole tiles."""
        block, side = pixels.block, self.constants.tile_px
        sums = sum_block(block, self._fine, self.constants.ratio_min_height_m)
        self._add_sums(sums)
        slices = tile_slices(block.truth.shape, side)
        similar = self._add_similarity(pixels, slices)
        self._add_correlation(block, slices)
        outcomes = np.zeros((block.tiles, 3, 3), np.int64)
        if pixels.footprint is not None:
            outcomes = count_outcomes(pixels.footprint, pixels.building, block.tile, block.tiles, pixels.inside)
            self.footprint += ConfusionStatistics.from_counts(outcomes.sum(axis=0))
        corners = np.array([(window.col_off + columns.start, window.row_off + rows.start) for rows, columns in slices])
        (tn, fp), (fn, tp) = np.moveaxis(outcomes[:, :2, :2], 0, -1)
        self._rows.append(tile_rows(sums, corners, side, similar, np.stack([tp, fp, fn, tn], axis=1)))

    def _add_sums(self, sums: BlockSums) -> None:
        for name, values in sums.whole.items():
            self._whole[name] = self._whole.get(name, 0) + values.sum(axis=1)
        self._least_m = np.minimum(self._least_m, sums.least_m.min(axis=1))
        self._largest_m = np.maximum(self._largest_m, sums.largest_m.max(axis=1))

    def _add_similarity(self, pixels: Pixels, slices: list[tuple[slice, slice]]) -> np.ndarray:
        """Return the SSIM of each tile, NaN of those that are cut by the area or the edge."""
        side, range_m, block = self.constants.tile_px, self.constants.ssim_range_m, pixels.block
        found = np.full(len(slices), np.nan)
        for number, tile in enumerate(slices):
            inside = pixels.inside[tile]
            if np.isnan(range_m) or inside.shape != (side, side) or not inside.all():
                continue
            value = ssim(block.predicted[tile], block.truth[tile], None, range_m)
            if value is not None:
                whole = int(quantise(np.array([value]))[0])
                found[number] = whole / (1 << FRACTION_BITS)
                self.ssim_sum, self.ssim_tiles = self.ssim_sum + whole, self.ssim_tiles + 1
        return found

    def _add_correlation(self, block: Block, slices: list[tuple[slice, slice]]) -> None:
        errors = np.where(block.counted, block.predicted.astype(np.float64) - block.truth, np.nan)
        for tile in slices:
            self.correlation += CorrelationStatistics.from_errors(errors[tile])

    def errors(self) -> dict[str, ErrorStatistics]:
        """Return the statistics of each of `NAMES`."""
        return {name: self._errors_of(place) for place, name in enumerate(NAMES)}

    def _errors_of(self, place: int) -> ErrorStatistics:
        extremes = np.array([self._least_m[place], self._largest_m[place]])
        there = bool(np.isfinite(extremes).all())
        first, last = fine_bins(extremes) if there else (0, -1)
        return ErrorStatistics(
            ratio_min_height_m=self.constants.ratio_min_height_m,
            histogram=ErrorHistogram.from_counts(self._fine[place, first : last + 1], first),
            min_error_m=float(extremes[0]) if there else None,
            max_error_m=float(extremes[1]) if there else None,
            **{name: int(values[place]) for name, values in self._whole.items()},
        )

    def tiles(self) -> pandas.DataFrame:
        """Return the table of tiles."""
        return tile_table(self._rows)


def _inside(window: Window, area: BaseGeometry | None) -> np.ndarray:
    shape = (int(window.height), int(window.width))
    if area is None:
        return np.ones(shape, bool)
    left, top = window.col_off, window.row_off
    box = shapely.box(left, top, left + window.width, top + window.height)
    return np.ones(shape, bool) if area.covers(box) else area_mask(area, window)


def tile_slices(shape: tuple[int, int], tile_px: int) -> list[tuple[slice, slice]]:
    """Return rows and columns of each tile of a block, row by row; those at its far edges may be cut."""
    starts = [range(0, size, tile_px) for size in shape]
    rows, columns = (
        [slice(start, min(start + tile_px, size)) for start in some] for some, size in zip(starts, shape, strict=True)
    )
    return [(row, column) for row in rows for column in columns]


def tile_numbers(shape: tuple[int, int], tile_px: int) -> tuple[np.ndarray, int]:
    """Return the number of the tile of each pixel, HxW int32 in the order of `tile_slices`, and how many there are."""
    rows, columns = (np.arange(size) // tile_px for size in shape)
    across = int(columns[-1]) + 1
    return (rows[:, None] * across + columns).astype(np.int32), across * (int(rows[-1]) + 1)

"""Running totals of a scene: sums, histograms, and rows of tiles."""

from typing import NamedTuple, Self

import numpy as np
import pandas
from rasterio.windows import Window

from img2height.metrics.block import COUNTS, QUANTITIES, BlockSums, sum_block, tile_slices
from img2height.metrics.confusion import ConfusionStatistics, count_outcomes
from img2height.metrics.correlation import CorrelationStatistics
from img2height.metrics.histogram import ErrorHistograms
from img2height.metrics.statistics import ErrorStatistics
from img2height.metrics.structure import tile_ssim
from img2height.metrics.sums import DIGITS, FRACTION_BITS, quantise
from img2height.scoring.reader import Pixels
from img2height.scoring.strata import NAMES, strata_of_kinds
from img2height.scoring.tiles import OUTCOMES, TileRows, tile_rows, tile_table


class Constants(NamedTuple):
    """The constants of scores, see `evaluate_scene`; an SSIM range of NaN means no SSIM."""

    ratio_min_height_m: float
    ssim_range_m: float
    tile_px: int


class Totals:
    """Totals over the blocks of a scene; only the rows of tiles need more memory for a larger scene."""

    def __init__(self, constants: Constants):
        self.constants = constants
        self.footprint, self.correlation = ConfusionStatistics(), CorrelationStatistics()
        self.ssim_sum = self.ssim_tiles = 0
        self._counts = np.zeros((len(NAMES), len(COUNTS)), np.int64)
        self._digits = np.zeros((len(NAMES), len(QUANTITIES), DIGITS), np.int64)
        self._least_m, self._largest_m = np.full(len(NAMES), np.inf), np.full(len(NAMES), -np.inf)
        self._histograms = [ErrorHistograms(len(NAMES))]
        self._rows: list[TileRows] = []

    def add(self, window: Window, pixels: Pixels) -> None:
        """Add a block of whole tiles."""
        side, slices = self.constants.tile_px, tile_slices(pixels.truth.shape, self.constants.tile_px)
        heights = pixels.predicted, pixels.truth
        limits = side, self.constants.ratio_min_height_m
        sums = sum_block(*heights, pixels.kinds, strata_of_kinds(), *limits, self._histograms[0])
        self._add_sums(sums)
        similar = self._add_similarity(pixels, slices)
        self.correlation += CorrelationStatistics.from_tiles(*heights, side)
        outcomes = np.zeros((len(slices), len(OUTCOMES)), np.int64)
        if pixels.footprint is not None:
            counts = count_outcomes(pixels.footprint, pixels.building, pixels.inside, side)
            self.footprint += ConfusionStatistics(*counts.sum(axis=0).tolist())
            outcomes = counts[:, : len(OUTCOMES)]
        corners = np.array([(window.row_off + rows.start, window.col_off + columns.start) for rows, columns in slices])
        self._rows.append(tile_rows(sums, corners, similar, outcomes))

    def __iadd__(self, other: Self) -> Self:
        self.footprint += other.footprint
        self.correlation += other.correlation
        self.ssim_sum += other.ssim_sum
        self.ssim_tiles += other.ssim_tiles
        self._counts += other._counts
        self._digits += other._digits
        self._histograms += other._histograms
        self._least_m = np.minimum(self._least_m, other._least_m)
        self._largest_m = np.maximum(self._largest_m, other._largest_m)
        self._rows += other._rows
        return self

    def _add_sums(self, sums: BlockSums) -> None:
        self._counts += sums.counts.sum(axis=0)
        self._digits += sums.digits.sum(axis=0)
        least_m, largest_m = np.moveaxis(sums.extremes_m, -1, 0)
        self._least_m = np.minimum(self._least_m, least_m.min(axis=0))
        self._largest_m = np.maximum(self._largest_m, largest_m.max(axis=0))

    def _add_similarity(self, pixels: Pixels, slices: list[tuple[slice, slice]]) -> np.ndarray:
        """Return the SSIM of each tile, NaN for those cut by the area or the edge."""
        side, range_m = self.constants.tile_px, self.constants.ssim_range_m
        if np.isnan(range_m):
            return np.full(len(slices), np.nan)
        uncut, tiles = pixels.inside.all(), [pixels.inside[tile] for tile in slices]
        wanted = np.array([inside.shape == (side, side) and (uncut or inside.all()) for inside in tiles])
        found = tile_ssim(pixels.predicted, pixels.truth, side, wanted, range_m)
        there = ~np.isnan(found)
        whole = quantise(found[there])
        found[there] = whole / (1 << FRACTION_BITS)
        self.ssim_sum += int(whole.sum())
        self.ssim_tiles += len(whole)
        return found

    def errors(self) -> dict[str, ErrorStatistics]:
        """Return the statistics of each of `NAMES`."""
        extremes_m = np.stack([self._least_m, self._largest_m], axis=1)
        found = enumerate(zip(NAMES, self._counts, self._digits, extremes_m, strict=True))
        least_m = self.constants.ratio_min_height_m
        return {
            name: ErrorStatistics.from_sums(counts, digits, ends_m, self._histograms, place, least_m)
            for place, (name, counts, digits, ends_m) in found
        }

    def tiles(self) -> pandas.DataFrame:
        """Return the table of tiles."""
        return tile_table(self._rows, self.constants.tile_px)

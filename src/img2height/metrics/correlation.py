"""The correlation length of height errors; bootstrap blocks must not be smaller."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

logger = logging.getLogger(__name__)

LAGS_PX = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
LINE_STEP = 4  # neighbouring lines are redundant, so every fourth row and column is enough
LENGTHS_A_BLOCK = 2
LEAST_M2 = 1e-6  # variance of errors that vary by a millimetre; what is below is rounding
_SCALE = 2**30
_NONE = (0,) * len(LAGS_PX)


@dataclass(frozen=True)
class CorrelationStatistics:
    """Sums of the variogram of the errors along rows and columns within tiles. Without arguments: all sums 0.

    Sums are whole numbers, so that they are identical in any order of addition.

    Attributes:
        pixels: valid errors.
        error_sum: their sum in multiples of 2**-30 m.
        square_sum: sum of their squares in multiples of 2**-30 m2.
        pairs: pairs of valid errors at each of `LAGS_PX`.
        difference_sum: sum of the squared differences of these pairs in multiples of 2**-30 m2.
    """

    pixels: int = 0
    error_sum: int = 0
    square_sum: int = 0
    pairs: tuple[int, ...] = _NONE
    difference_sum: tuple[int, ...] = _NONE

    @classmethod
    def from_errors(cls, errors: np.ndarray) -> Self:
        """Return the statistics of one tile.

        Args:
            errors: HxW float64 in metres, NaN where missing.
        """
        return cls.from_tiles(np.ascontiguousarray(errors), np.zeros(errors.shape), max(errors.shape))

    @classmethod
    def from_tiles(cls, predicted: np.ndarray, truth: np.ndarray, tile_px: int) -> Self:
        """Return the statistics of the tiles of a block.

        Args:
            predicted: HxW float metres, NaN where missing.
            truth: HxW float metres, NaN where missing.
            tile_px: side of the tiles.
        """
        from img2height.metrics.kernels.variogram import add_up  # slow to import

        tiles = math.prod(-(-size // tile_px) for size in truth.shape)
        pixels, pairs = np.zeros(tiles, np.int64), np.zeros((tiles, len(LAGS_PX)), np.int64)
        sums, differences = np.zeros((tiles, 2)), np.zeros(pairs.shape)
        add_up(predicted, truth, tile_px, LINE_STEP, np.array(LAGS_PX), pixels, sums, pairs, differences)
        error_sum, square_sum = _whole(sums)
        return cls(int(pixels.sum()), error_sum, square_sum, tuple(pairs.sum(axis=0).tolist()), _whole(differences))

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.pixels + other.pixels,
            self.error_sum + other.error_sum,
            self.square_sum + other.square_sum,
            tuple(map(int.__add__, self.pairs, other.pairs)),
            tuple(map(int.__add__, self.difference_sum, other.difference_sum)),
        )

    def length_px(self) -> float | None:
        """Return the lag where the autocorrelation of the errors falls below 1/e, in pixels; None if it never does.

        The autocorrelation is 1 - variogram / variance, with the variance of all tiles together: a different mean error
        in each tile is correlation too. Between two lags it is interpolated linearly. Errors that do not vary, or are
        missing, have the length 0. Source: Matheron (1963), https://doi.org/10.2113/gsecongeo.58.8.1246
        """
        if not self.pixels or (variance := self._variance()) < LEAST_M2:
            return 0.0
        before, above = 0, 1.0
        for lag, pairs, total in zip(LAGS_PX, self.pairs, self.difference_sum, strict=True):
            if not pairs:
                continue
            correlation = 1 - total / (2 * pairs * _SCALE) / variance
            if correlation < 1 / math.e:
                return before + (lag - before) * (above - 1 / math.e) / (above - correlation)
            before, above = lag, correlation
        return None

    def _variance(self) -> float:
        squares = self.square_sum * _SCALE * self.pixels - self.error_sum**2  # integers, so that nothing cancels
        return squares / (self.pixels * _SCALE) ** 2


def block_side(lengths_m: Sequence[float | None], tile_px: int, gsd_m: float) -> int:
    """Return the side of a bootstrap block in pixels: the fewest whole tiles that span twice the correlation length.

    With blocks of one correlation length 95 % intervals cover 85 %, of two 91 %, of four 94 %: see
    benchmarks/intervals.py.

    Args:
        lengths_m: correlation length of the errors of each method; None, longer than a tile can show, counts as a tile.
        tile_px: side of a tile.
        gsd_m: pixel size.
    """
    tile_m = tile_px * gsd_m
    if None in lengths_m:
        logger.warning(
            "errors correlate over more than a tile of %g m: intervals may be too narrow; raise metrics.tile_px",
            tile_m,
        )
    longest_m = max(tile_m if length_m is None else length_m for length_m in lengths_m)
    return tile_px * max(1, math.ceil(LENGTHS_A_BLOCK * longest_m / tile_m))


def _whole(sums: np.ndarray) -> tuple[int, ...]:
    """Return the sums over the tiles of each tile's contributions, T x N, in whole multiples of 2**-30."""
    return tuple(sum(map(int, column)) for column in np.rint(sums * _SCALE).T.tolist())

"""How far the errors of a height map are alike: the length that the blocks of the bootstrap must not fall below."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

LAGS_PX = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
LINE_STEP = 4  # neighbouring lines tell the same, so every fourth row and column is enough
_SCALE = 2**30
_NONE = (0,) * len(LAGS_PX)


@dataclass(frozen=True)
class CorrelationStatistics:
    """Sums of the variogram of the errors along rows and columns within tiles. Without arguments: of nothing.

    Sums are whole numbers, so that they add up to the same digits in any order.

    Attributes:
        pixels: known errors.
        error_sum: their sum in multiples of 2**-30 m.
        square_sum: sum of their squares in multiples of 2**-30 m2.
        pairs: pairs of known errors at each of `LAGS_PX`.
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
            errors: HxW float64 in metres, NaN where unknown.
        """
        known = errors[~np.isnan(errors)]
        lines = errors[::LINE_STEP], errors[:, ::LINE_STEP].T
        found = [_squared_differences(lines, lag) for lag in LAGS_PX]
        pairs, sums = zip(*found, strict=True)
        return cls(known.size, _whole(known.sum()), _whole(np.square(known).sum()), pairs, sums)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.pixels + other.pixels,
            self.error_sum + other.error_sum,
            self.square_sum + other.square_sum,
            tuple(map(int.__add__, self.pairs, other.pairs)),
            tuple(map(int.__add__, self.difference_sum, other.difference_sum)),
        )

    def length_px(self) -> float | None:
        """Return the lag where the autocorrelation of the errors falls below 1/e, in pixels; None where it does not.

        The autocorrelation is 1 - variogram / variance, and the variance that of all tiles together: a mean error of
        its own in each tile is correlation too. Between two lags it is taken as linear. None also means that there is
        no variance. Source: Matheron (1963), https://doi.org/10.2113/gsecongeo.58.8.1246
        """
        if not self.pixels or (variance := self._variance()) <= 0:
            return None
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
        squares = self.square_sum * _SCALE * self.pixels - self.error_sum**2  # whole, so that nothing cancels
        return squares / (self.pixels * _SCALE) ** 2


def _squared_differences(lines: tuple[np.ndarray, np.ndarray], lag: int) -> tuple[int, int]:
    """Return the number of pairs along the lines and the sum of their squared differences, scaled."""
    pairs, total = 0, 0
    for line in lines:
        difference = line[:, lag:] - line[:, :-lag]
        known = difference[~np.isnan(difference)]
        pairs, total = pairs + known.size, total + _whole(np.square(known).sum())
    return pairs, total


def _whole(value: float) -> int:
    return round(float(value) * _SCALE)

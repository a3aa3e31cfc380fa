"""Quantiles of errors that add up over blocks: a histogram of signed errors in bins of one millimetre."""

import math
import mmap
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

BIN_M = 0.001
LIMIT_BIN = 500_000
BINS = 2 * LIMIT_BIN + 1
OWNERS = 64
NORMAL_CONSISTENCY = 1.4826


def fine_bins(errors_m: np.ndarray) -> np.ndarray:
    """Return the bin of each error, from 0 to `BINS` - 1, int64; bin `LIMIT_BIN` holds the errors that round to 0 mm.

    Args:
        errors_m: N float64 metres; errors beyond 500 m count as 500 m.
    """
    scaled = errors_m / BIN_M
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -LIMIT_BIN, LIMIT_BIN, out=scaled).astype(np.int64) + LIMIT_BIN


@dataclass(frozen=True, eq=False)
class ErrorHistogram:
    """Pixels by signed error. Quantiles resolve 1 mm; errors beyond 500 m are counted, as 500 m.

    Attributes:
        error_mm: the bins that hold pixels, sorted int64; bin k holds the errors that round to k mm.
        pixels: their pixel counts, int64.
    """

    error_mm: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    pixels: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def from_counts(cls, pixels: np.ndarray, first: int) -> Self:
        """Return the histogram of the pixels of consecutive bins of `fine_bins`, N int64, starting at a first one."""
        filled = np.flatnonzero(pixels)
        return cls(filled + (first - LIMIT_BIN), pixels[filled])

    def __add__(self, other: Self) -> Self:
        bins, where = np.unique(np.concatenate([self.error_mm, other.error_mm]), return_inverse=True)
        pixels = np.zeros(len(bins), np.int64)
        np.add.at(pixels, where, np.concatenate([self.pixels, other.pixels]))
        return type(self)(bins, pixels)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ErrorHistogram) and self.to_json() == other.to_json()

    def quantile_m(self, level: float) -> float | None:
        """Return the error in metres below which a given share of the pixels lies, interpolated as numpy.quantile."""
        if not self.pixels.size:
            return None
        ends = np.cumsum(self.pixels)
        position = (int(ends[-1]) - 1) * level
        low, high = self.error_mm[np.searchsorted(ends, [np.floor(position), np.ceil(position)], side="right")]
        return float(low + (high - low) * (position % 1)) * BIN_M

    def medae_m(self) -> float | None:
        """Return the median of the absolute errors in metres."""
        return _twice_median(np.abs(self.error_mm), self.pixels) / 2 * BIN_M if self.pixels.size else None

    def nmad_m(self) -> float | None:
        """Return 1.4826 times the median absolute deviation from the median error, in metres.

        Source: Höhle and Höhle (2009), https://doi.org/10.1016/j.isprsjprs.2009.02.003
        """
        if not self.pixels.size:
            return None
        return self._spread_m(_twice_median(self.error_mm, self.pixels))

    def nmad_of_medae_m(self) -> float | None:
        """Return the NMAD as ResDepth's program computes it: centred on the median of the *absolute* errors."""
        if not self.pixels.size:
            return None
        return self._spread_m(_twice_median(np.abs(self.error_mm), self.pixels))

    def _spread_m(self, twice_centre: int) -> float:
        distance = np.abs(2 * self.error_mm - twice_centre)  # half bins, so that it stays an integer
        return NORMAL_CONSISTENCY * _twice_median(distance, self.pixels) / 4 * BIN_M

    def to_json(self) -> dict[str, Any]:
        """Return bins (mm) and their pixels as two lists, sorted by bin."""
        return {"error_mm": self.error_mm.tolist(), "pixels": self.pixels.tolist()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the histogram from the result of `to_json`."""
        return cls(*(np.array(value[name], np.int64) for name in ("error_mm", "pixels")))


class ErrorHistograms:
    """Histograms of many strata under construction.

    A pixel lies in many strata, and counting it in each is slow. The first sets of strata that occur therefore own
    histograms, which are added to those of their strata at the end.

    Args:
        strata: their number S.
        owners: how many sets may own a histogram.

    Attributes:
        strata: S.
        fine: R x `BINS` int64, pixels by the bins of `fine_bins`: the strata, then the owners.
        owners: R - S uint32, bit k is set if the set contains stratum k; 0 is free.
    """

    def __init__(self, strata: int, owners: int = OWNERS):
        shape = strata + owners, BINS
        # Mapped, because numpy would request large pages, while empty bins should take no memory.
        memory = mmap.mmap(-1, math.prod(shape) * 8, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.fine = np.frombuffer(memory, np.int64).reshape(shape)
        self.owners = np.zeros(owners, np.uint32)
        self.strata = strata

    def pixels(self, stratum: int, first: int, last: int) -> np.ndarray:
        """Return the pixels of a stratum in the bins from `first` to `last`, int64."""
        pixels = self.fine[stratum, first : last + 1].copy()
        for row in self.strata + np.flatnonzero(self.owners >> stratum & 1):
            pixels += self.fine[row, first : last + 1]
        return pixels


def _twice_median(values: np.ndarray, pixels: np.ndarray) -> int:
    """Return the sum of the two middle values: twice the median, as an integer."""
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(pixels[order])
    middle = [(int(ends[-1]) - 1) // 2, int(ends[-1]) // 2]
    return int(values[order][np.searchsorted(ends, middle, side="right")].sum())

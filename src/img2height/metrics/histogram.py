"""Medians of errors that can be summed over blocks: a histogram of signed errors in bins of one millimetre."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

BIN_M = 0.001
LIMIT_BIN = 500_000
NORMAL_CONSISTENCY = 1.4826


@dataclass(frozen=True)
class ErrorHistogram:
    """Pixels by signed error. Medians resolve 1 mm; errors beyond 500 m are counted, as 500 m.

    Attributes:
        pixels: pixels by bin; bin k holds the errors that round to k mm, empty bins are left out.
    """

    pixels: dict[int, int] = field(default_factory=dict)

    @classmethod
    def from_errors(cls, errors_m: np.ndarray) -> Self:
        """Return the histogram of an array of errors in metres, float64."""
        bins = np.clip(np.rint(errors_m / BIN_M), -LIMIT_BIN, LIMIT_BIN).astype(np.int64)
        pixels = np.bincount(bins + LIMIT_BIN)
        filled = np.flatnonzero(pixels)
        return cls(dict(zip((filled - LIMIT_BIN).tolist(), pixels[filled].tolist(), strict=True)))

    def __add__(self, other: Self) -> Self:
        pixels = dict(self.pixels)
        for error, count in other.pixels.items():
            pixels[error] = pixels.get(error, 0) + count
        return type(self)(pixels)

    def medae_m(self) -> float | None:
        """Return the median of the absolute errors in metres."""
        bins, pixels = self._arrays()
        return _twice_median(np.abs(bins), pixels) / 2 * BIN_M if bins.size else None

    def nmad_m(self) -> float | None:
        """Return 1.4826 times the median distance from the median error, in metres.

        Source: Höhle and Höhle (2009), https://doi.org/10.1016/j.isprsjprs.2009.02.003
        """
        bins, pixels = self._arrays()
        if not bins.size:
            return None
        distance = np.abs(2 * bins - _twice_median(bins, pixels))  # half bins, so that it stays whole
        return NORMAL_CONSISTENCY * _twice_median(distance, pixels) / 4 * BIN_M

    def to_json(self) -> dict[str, Any]:
        """Return bins (mm) and their pixels as two lists, sorted by bin."""
        bins, pixels = self._arrays()
        return {"error_mm": bins.tolist(), "pixels": pixels.tolist()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the histogram that `to_json` gave."""
        return cls(dict(zip(value["error_mm"], value["pixels"], strict=True)))

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        bins = np.array(sorted(self.pixels), dtype=np.int64)
        return bins, np.array([self.pixels[int(b)] for b in bins], dtype=np.int64)


def _twice_median(values: np.ndarray, pixels: np.ndarray) -> int:
    """Return the sum of the two middle values: twice the median, and whole."""
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(pixels[order])
    middle = [(int(ends[-1]) - 1) // 2, int(ends[-1]) // 2]
    return int(values[order][np.searchsorted(ends, middle, side="right")].sum())

"""Sufficient statistics of height errors: they add up over blocks, scenes and folds, and give the scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np

from img2height.errors import DataError
from img2height.heights import scored_pixels
from img2height.metrics.block import COUNTS, QUANTITIES, fraction_bits, sum_block
from img2height.metrics.formulas import as_json, scores_of
from img2height.metrics.histogram import ErrorHistogram, ErrorHistograms, fine_bins
from img2height.metrics.sums import Sums, combine

MIN_RATIO_HEIGHT_M = 1e-3
UNITS = {"error_sum": "error_sum_m", "absolute_sum": "absolute_sum_m", "square_sum": "square_sum_m2"}


@dataclass(frozen=True)
class ErrorStatistics(Sums):
    """Sums over the pixels with a valid reference; an error is prediction minus reference, positive is too high.

    Sums are whole multiples of 2**-30 (metres) or 2**-60 (their squares). Quantiles resolve 1 mm.

    Attributes:
        ratio_min_height_m: ratios and logarithms are computed where the reference is above this.
        reference_pixels: pixels with a valid reference.
        pixels: those of them that have a prediction.
        ratio_pixels: those whose reference is above `ratio_min_height_m`.
        min_error_m: smallest error; None without pixels.
        max_error_m: largest error; None without pixels.
    """

    ratio_min_height_m: float = 1.0
    reference_pixels: int = 0
    pixels: int = 0
    error_sum: int = 0
    absolute_sum: int = 0
    square_sum: int = 0
    histogram: ErrorHistogram = field(default_factory=ErrorHistogram)
    ratio_pixels: int = 0
    relative_sum: int = 0
    relative_square_sum: int = 0
    log10_sum: int = 0
    log_sum: int = 0
    log_square_sum: int = 0
    delta1_pixels: int = 0
    delta2_pixels: int = 0
    delta3_pixels: int = 0
    min_error_m: float | None = None
    max_error_m: float | None = None

    @classmethod
    def from_arrays(
        cls,
        prediction: np.ndarray,
        reference: np.ndarray,
        valid: np.ndarray | None = None,
        ratio_min_height_m: float = 1.0,
    ) -> Self:
        """Return the statistics of two height arrays.

        Args:
            prediction: heights in metres, any shape; NaN or -9999 is missing and only lowers the coverage.
            reference: heights in metres, same shape; NaN or -9999 is missing and never counts, 0 m does.
            valid: bool, same shape; pixels to count.
            ratio_min_height_m: height in metres above which ratios are meaningful.

        Raises:
            DataError: shapes differ, or a value is not a possible height.
        """
        require_ratio_height(ratio_min_height_m)
        predicted, truth, count = scored_pixels(prediction, reference, valid)
        nothing = cls(ratio_min_height_m=float(ratio_min_height_m), reference_pixels=count)
        if not predicted.size:
            return nothing
        histograms, column = ErrorHistograms(1, owners=0), (-1, 1)
        kinds = np.zeros((predicted.size, 1), np.uint16)
        sums = sum_block(
            predicted.reshape(column), truth.reshape(column), kinds, np.ones(1, np.uint32), predicted.size,
            ratio_min_height_m, histograms,
        )  # fmt: skip
        found = (sums.counts[0, 0], sums.digits[0, 0], sums.extremes_m[0, 0])
        return replace(cls.from_sums(*found, [histograms], 0, ratio_min_height_m), reference_pixels=count)

    @classmethod
    def from_sums(
        cls,
        counts: np.ndarray,
        digits: np.ndarray,
        extremes_m: np.ndarray,
        histograms: Sequence[ErrorHistograms],
        stratum: int,
        ratio_min_height_m: float,
    ) -> Self:
        """Return the statistics of one stratum from the result of `sum_block`, or from sums of such results.

        Args:
            counts: pixels by `COUNTS`, int64.
            digits: the sums by `QUANTITIES`, 8 x D int64.
            extremes_m: smallest and largest error, infinite where there is none.
            histograms: they are added up.
            stratum: its number in the histograms.
            ratio_min_height_m: the value used for the ratios.
        """
        there = bool(np.isfinite(extremes_m).all())
        first, last = fine_bins(extremes_m) if there else (0, -1)
        counted = sum((h.pixels(stratum, first, last) for h in histograms), np.zeros(last - first + 1, np.int64))
        return cls(
            ratio_min_height_m=float(ratio_min_height_m),
            histogram=ErrorHistogram.from_counts(counted, first),
            min_error_m=float(extremes_m[0]) if there else None,
            max_error_m=float(extremes_m[1]) if there else None,
            **dict(zip(COUNTS, counts.tolist(), strict=True)),
            **dict(zip(QUANTITIES, combine(digits).tolist(), strict=True)),
        )

    def __add__(self, other: Self) -> Self:
        if self.ratio_min_height_m != other.ratio_min_height_m:
            raise DataError(
                f"statistics with ratio_min_height_m {self.ratio_min_height_m} and {other.ratio_min_height_m} "
                "do not add up; evaluate both with the same value"
            )
        kept = ("ratio_min_height_m", "min_error_m", "max_error_m")
        names = [f.name for f in fields(self) if f.name not in kept]
        lows, highs = ([s for s in (getattr(x, k) for x in (self, other)) if s is not None] for k in kept[1:])
        return replace(
            self,
            min_error_m=min(lows, default=None),
            max_error_m=max(highs, default=None),
            **{name: getattr(self, name) + getattr(other, name) for name in names},
        )

    def scores(self) -> dict[str, float | None]:
        """Return the scores by name, units in the names; None if no pixel counts, never NaN."""
        scores = scores_of("errors", **float_sums(vars(self))) | scores_of("distribution", errors=self.histogram)
        extremes = {"min_error_m": self.min_error_m, "max_error_m": self.max_error_m}
        return {"pixels": self.pixels, "ratio_pixels": self.ratio_pixels} | as_json(scores) | extremes

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return vars(self) | {"histogram": self.histogram.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the statistics from the result of `to_json`."""
        return cls(**value | {"histogram": ErrorHistogram.from_json(value["histogram"])})


def float_sums(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return exact sums as the float64 sums that formulas take, units in the names; counts stay integers.

    Args:
        whole: Python integers, or object arrays of them, by field of `ErrorStatistics`.
    """
    sums = {UNITS.get(name, name): whole[name] / (1 << fraction_bits(name)) for name in QUANTITIES}
    return {name: whole[name] for name in COUNTS} | sums


def require_ratio_height(ratio_min_height_m: float) -> None:
    """Raise a DataError if the height limit of ratios is below a millimetre."""
    if not ratio_min_height_m >= MIN_RATIO_HEIGHT_M:
        raise DataError(f"ratio_min_height_m is {ratio_min_height_m}; it must be at least {MIN_RATIO_HEIGHT_M} m")

"""Sufficient statistics of height errors and of footprints: summable over blocks, scenes and folds, then scores."""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from img2height.errors import DataError
from img2height.metrics.histogram import ErrorHistogram
from img2height.metrics.pixels import same_shape, scored_pixels, under_mask
from img2height.metrics.sums import Sums, exact_square_sum, exact_sum, mean, quantise, share

MAX_ERROR_M = 2.0**20
MIN_RATIO_HEIGHT_M = 1e-3
DELTA_BASE = 1.25
BUILDING, GROUND, UNKNOWN = 1, 0, 255


@dataclass(frozen=True)
class ErrorStatistics(Sums):
    """Sums over the pixels whose reference is known; an error is prediction minus reference, positive is too high.

    Sums are whole multiples of 2**-30 (metres) or 2**-60 (their squares). Medians resolve 1 mm.

    Attributes:
        ratio_min_height_m: AbsRel, log10 and delta are taken where the reference is above this.
        reference_pixels: pixels with a known reference.
        pixels: those that also have a prediction.
        ratio_pixels: those whose reference is above `ratio_min_height_m`.
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
    delta1_pixels: int = 0
    delta2_pixels: int = 0
    delta3_pixels: int = 0

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
            prediction: heights in metres, any shape; NaN or -9999 is missing: it lowers the coverage, nothing else.
            reference: heights in metres, same shape; NaN or -9999 is unknown and never counts, 0 m does.
            valid: bool, same shape; pixels to count.
            ratio_min_height_m: height above which ratios mean something, in metres.

        Raises:
            DataError: shapes differ, or a value is no height on Earth.
        """
        if not ratio_min_height_m >= MIN_RATIO_HEIGHT_M:
            raise DataError(f"ratio_min_height_m is {ratio_min_height_m}; it must be at least {MIN_RATIO_HEIGHT_M} m")
        predicted, truth, count = scored_pixels(prediction, reference, valid)
        errors = predicted - truth
        if errors.size and (worst := np.abs(errors).max()) > MAX_ERROR_M:
            raise DataError(f"an error of {worst:g} m is no height error; is nodata -9999 and the unit metres?")
        whole = quantise(errors)
        high = truth > ratio_min_height_m
        return cls(
            ratio_min_height_m=float(ratio_min_height_m),
            reference_pixels=count,
            pixels=errors.size,
            error_sum=exact_sum(whole),
            absolute_sum=exact_sum(np.abs(whole)),
            square_sum=exact_square_sum(whole),
            histogram=ErrorHistogram.from_errors(errors),
            **_ratio_sums(predicted[high], truth[high]),
        )

    def __add__(self, other: Self) -> Self:
        if self.ratio_min_height_m != other.ratio_min_height_m:
            raise DataError(
                f"statistics with ratio_min_height_m {self.ratio_min_height_m} and {other.ratio_min_height_m} "
                "do not add up; evaluate both with one"
            )
        return replace(super().__add__(other), ratio_min_height_m=self.ratio_min_height_m)

    def scores(self) -> dict[str, float | None]:
        """Return the scores by name, units in the names; None where no pixel counts, never NaN."""
        mse = mean(self.square_sum, self.pixels, power=2)
        mse_relative = mean(self.relative_square_sum, self.ratio_pixels, power=2)
        return {
            "pixels": self.pixels,
            "coverage": share(self.pixels, self.reference_pixels),
            "bias_m": mean(self.error_sum, self.pixels),
            "mae_m": mean(self.absolute_sum, self.pixels),
            "mse_m2": mse,
            "rmse_m": None if mse is None else math.sqrt(mse),
            "medae_m": self.histogram.medae_m(),
            "nmad_m": self.histogram.nmad_m(),
            "abs_rel": mean(self.relative_sum, self.ratio_pixels),
            "rmse_rel": None if mse_relative is None else math.sqrt(mse_relative),
            "log10": mean(self.log10_sum, self.ratio_pixels),
            "delta1": share(self.delta1_pixels, self.ratio_pixels),
            "delta2": share(self.delta2_pixels, self.ratio_pixels),
            "delta3": share(self.delta3_pixels, self.ratio_pixels),
            "ratio_pixels": self.ratio_pixels,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return vars(self) | {"histogram": self.histogram.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the statistics that `to_json` gave."""
        return cls(**value | {"histogram": ErrorHistogram.from_json(value["histogram"])})


def _ratio_sums(predicted: np.ndarray, truth: np.ndarray) -> dict[str, int]:
    """Return the sums of the ratio metrics over N pixels, all with a positive reference."""
    relative = quantise(np.abs(predicted - truth) / truth)
    ratio = height_ratio(predicted, truth)
    return {
        "ratio_pixels": truth.size,
        "relative_sum": exact_sum(relative),
        "relative_square_sum": exact_square_sum(relative),
        "log10_sum": exact_sum(quantise(log10_difference(predicted, truth))),
    } | {f"delta{k}_pixels": int((ratio < DELTA_BASE**k).sum()) for k in (1, 2, 3)}


def height_ratio(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return max(p / r, r / p), at least 1; infinite, a miss, where nothing or less than nothing is predicted."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.maximum(predicted / truth, truth / np.maximum(predicted, 0.0))


def log10_difference(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return |log10 p - log10 r| with predictions of at least 1 mm."""
    return np.abs(np.log10(np.maximum(predicted, 1e-3)) - np.log10(truth))


@dataclass(frozen=True)
class ConfusionStatistics(Sums):
    """Pixels of footprints by what was predicted and what is there.

    Attributes:
        tp: building in both.
        fp: predicted, not there.
        fn: there, not predicted.
        tn: ground in both.
        missing: known references without a prediction; they lower the coverage, nothing else.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0
    missing: int = 0

    @classmethod
    def from_arrays(cls, predicted: np.ndarray, reference: np.ndarray, valid: np.ndarray | None = None) -> Self:
        """Return the statistics of two masks.

        Args:
            predicted: 1 or true is building, 0 ground, anything else missing.
            reference: 1 or true is building, 0 ground, anything else unknown; same shape.
            valid: bool, same shape; pixels to count.

        Raises:
            DataError: the shapes differ.
        """
        predicted, reference = np.asarray(predicted), np.asarray(reference)
        same_shape("the predicted mask", predicted, reference)
        counts = under_mask(np.isin(reference, (GROUND, BUILDING)), valid)
        hit, there = predicted[counts] == BUILDING, reference[counts] == BUILDING
        miss = predicted[counts] == GROUND
        tp, fp = int((hit & there).sum()), int((hit & ~there).sum())
        fn, tn = int((miss & there).sum()), int((miss & ~there).sum())
        return cls(tp, fp, fn, tn, missing=hit.size - tp - fp - fn - tn)

    def scores(self) -> dict[str, float | None]:
        """Return the scores by name, from 0 to 1; None where nothing counts, never NaN."""
        pixels = self.tp + self.fp + self.fn + self.tn
        return {
            "pixels": pixels,
            "coverage": share(pixels, pixels + self.missing),
            "iou": share(self.tp, self.tp + self.fp + self.fn),
            "dice": share(2 * self.tp, 2 * self.tp + self.fp + self.fn),
            "accuracy": share(self.tp + self.tn, pixels),
            "precision": share(self.tp, self.tp + self.fp),
            "recall": share(self.tp, self.tp + self.fn),
        }

"""Sums of height errors over groups of pixels, in whole numbers: the inner loop of all scores."""

import numpy as np

from img2height.errors import DataError
from img2height.metrics.sums import group_square_sums, group_sums, quantise

MAX_ERROR_M = 2.0**20
DELTA_BASE = 1.25
LEAST_PREDICTION_M = 1e-3
ERROR_SUMS = ("error_sum", "absolute_sum", "square_sum")
RATIO_SUMS = ("relative_sum", "relative_square_sum", "log10_sum", "log_sum", "log_square_sum")
DELTAS = ("delta1_pixels", "delta2_pixels", "delta3_pixels")
SQUARES = ("square_sum", "relative_square_sum", "log_square_sum")


def require_heights(errors_m: np.ndarray) -> None:
    """Raise a DataError if an error is larger than any on Earth.

    Args:
        errors_m: N float64 metres.
    """
    if errors_m.size and (worst := max(errors_m.max(), -errors_m.min())) > MAX_ERROR_M:
        raise DataError(f"an error of {worst:g} m is no height error; is nodata -9999 and the unit metres?")


def error_sums(errors_m: np.ndarray, starts: np.ndarray) -> dict[str, np.ndarray]:
    """Return `ERROR_SUMS` of consecutive groups as digits (see `combine`), D x G int64.

    Args:
        errors_m: N float64 metres.
        starts: G int64, where each group begins; none is empty.
    """
    whole = quantise(errors_m)
    return {
        "error_sum": group_sums(whole, starts),
        "absolute_sum": group_sums(np.abs(whole), starts),
        "square_sum": group_square_sums(whole, starts),
    }


def ratio_sums(predicted: np.ndarray, truth: np.ndarray, starts: np.ndarray) -> dict[str, np.ndarray]:
    """Return `RATIO_SUMS` and `DELTAS` of consecutive groups as digits (see `combine`), D x G int64.

    Args:
        predicted: N float64 metres.
        truth: N float64 metres, all above zero.
        starts: G int64, where each group begins; none is empty.
    """
    relative, difference = quantise(np.abs(predicted - truth) / truth), log_difference(predicted, truth)
    logs, ratio = quantise(difference), height_ratio(predicted, truth)
    return {
        "relative_sum": group_sums(relative, starts),
        "relative_square_sum": group_square_sums(relative, starts),
        "log10_sum": group_sums(quantise(np.abs(difference) / np.log(10)), starts),
        "log_sum": group_sums(logs, starts),
        "log_square_sum": group_square_sums(logs, starts),
    } | {
        name: np.add.reduceat(ratio < DELTA_BASE**power, starts, dtype=np.int64)[None]
        for power, name in enumerate(DELTAS, start=1)
    }


def height_ratio(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return max(p / r, r / p), at least 1; infinite, a miss, where nothing or less than nothing is predicted."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.maximum(predicted / truth, truth / np.maximum(predicted, 0.0))


def log_difference(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return ln p - ln r with predictions of at least 1 mm."""
    return np.log(np.maximum(predicted, LEAST_PREDICTION_M)) - np.log(truth)

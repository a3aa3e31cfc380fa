"""Scores from sums, each formula once: for exact totals, for tiles, and for thousands of resampled sums at a time.

All functions take numbers or arrays of one shape and return NaN where nothing counts.
"""

from collections.abc import Mapping

import numpy as np

SILOG_LAMBDA = 0.5
DELTA_BASE = 1.25
LEAST_PREDICTION_M = 1e-3
Values = Mapping[str, np.ndarray]


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return a part divided by the whole, float64, NaN where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)


def height_scores(sums: Values) -> dict[str, np.ndarray]:
    """Return the scores of height errors.

    `silog` is the scale-invariant error of Eigen et al. (2014), https://arxiv.org/abs/1406.2283, mean(d^2) - lambda
    mean(d)^2 with lambda 0.5 and d = ln prediction - ln reference, on the pixels for which ratios are computed.

    Args:
        sums: reference_pixels, pixels, error_sum_m, absolute_sum_m, square_sum_m2, ratio_pixels, relative_sum,
            relative_square_sum, log10_sum, log_sum, log_square_sum, delta1_pixels, delta2_pixels, delta3_pixels.
    """
    pixels, ratios = sums["pixels"], sums["ratio_pixels"]
    mse = share(sums["square_sum_m2"], pixels)
    log_mean = share(sums["log_sum"], ratios)
    return {
        "coverage": share(pixels, sums["reference_pixels"]),
        "bias_m": share(sums["error_sum_m"], pixels),
        "mae_m": share(sums["absolute_sum_m"], pixels),
        "mse_m2": mse,
        "rmse_m": np.sqrt(mse),
        "abs_rel": share(sums["relative_sum"], ratios),
        "rmse_rel": np.sqrt(share(sums["relative_square_sum"], ratios)),
        "log10": share(sums["log10_sum"], ratios),
        "silog": share(sums["log_square_sum"], ratios) - SILOG_LAMBDA * log_mean**2,
        "delta1": share(sums["delta1_pixels"], ratios),
        "delta2": share(sums["delta2_pixels"], ratios),
        "delta3": share(sums["delta3_pixels"], ratios),
    }


def mask_scores(sums: Values) -> dict[str, np.ndarray]:
    """Return the scores of footprints.

    Args:
        sums: tp, fp, fn and tn, pixels.
    """
    tp, fp, fn, tn = (sums[name] for name in ("tp", "fp", "fn", "tn"))
    return {
        "iou": share(tp, tp + fp + fn),
        "dice": share(2 * tp, 2 * tp + fp + fn),
        "accuracy": share(tp + tn, tp + fp + fn + tn),
        "precision": share(tp, tp + fp),
        "recall": share(tp, tp + fn),
    }


def as_json(scores: Values) -> dict[str, float | None]:
    """Return single scores as plain numbers, None instead of NaN."""
    return {name: None if np.isnan(value) else float(value) for name, value in scores.items()}

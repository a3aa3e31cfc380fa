"""The scores of two arrays that fit in memory, in float64, each defined in one line.

`ErrorStatistics` and `ConfusionStatistics` give the same numbers for data that come in blocks. All functions take
`valid`, a bool array of the pixels to count, leave out missing references and missing predictions, and return None
if no pixel is left.
"""

import numpy as np

from img2height.heights import scored_pixels
from img2height.metrics.confusion import ConfusionStatistics
from img2height.metrics.formulas import DELTA_BASE, LEAST_PREDICTION_M
from img2height.metrics.histogram import NORMAL_CONSISTENCY
from img2height.vocabulary.score import SILOG_LAMBDA

Mask = np.ndarray | None


def bias(prediction: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return the mean error, in the unit of the heights; positive is too high."""
    return _mean(_errors(prediction, reference, valid))


def mae(prediction: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return the mean absolute error, in the unit of the heights."""
    return _mean(np.abs(_errors(prediction, reference, valid)))


def mse(prediction: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return the mean squared error, in the squared unit of the heights."""
    return _mean(_errors(prediction, reference, valid) ** 2)


def rmse(prediction: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return the root mean squared error, in the unit of the heights."""
    return _root(mse(prediction, reference, valid))


def medae(prediction: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return the median absolute error, in the unit of the heights."""
    return _median(np.abs(_errors(prediction, reference, valid)))


def nmad(prediction: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return 1.4826 times the median absolute deviation of the errors from their median, in the unit of the heights.

    Source: Höhle and Höhle (2009), https://doi.org/10.1016/j.isprsjprs.2009.02.003
    """
    errors = _errors(prediction, reference, valid)
    spread = _median(np.abs(errors - np.median(errors))) if errors.size else None
    return None if spread is None else NORMAL_CONSISTENCY * spread


def abs_rel(
    prediction: np.ndarray, reference: np.ndarray, valid: Mask = None, min_height_m: float = 1.0
) -> float | None:
    """Return the mean of error over reference, where the reference is above `min_height_m`."""
    predicted, truth = _high(prediction, reference, valid, min_height_m)
    return _mean(np.abs(predicted - truth) / truth)


def rmse_rel(
    prediction: np.ndarray, reference: np.ndarray, valid: Mask = None, min_height_m: float = 1.0
) -> float | None:
    """Return the root mean square of error over reference, where the reference is above `min_height_m`."""
    predicted, truth = _high(prediction, reference, valid, min_height_m)
    return _root(_mean(((predicted - truth) / truth) ** 2))


def log10(prediction: np.ndarray, reference: np.ndarray, valid: Mask = None, min_height_m: float = 1.0) -> float | None:
    """Return the mean difference of the decimal logarithms; predictions below 1 mm count as 1 mm."""
    return _mean(np.abs(_log_difference(*_high(prediction, reference, valid, min_height_m))) / np.log(10))


def silog(prediction: np.ndarray, reference: np.ndarray, valid: Mask = None, min_height_m: float = 1.0) -> float | None:
    """Return mean(d^2) - 0.5 mean(d)^2 of the differences d of the natural logarithms; predictions of at least 1 mm.

    Source: Eigen et al. (2014), https://arxiv.org/abs/1406.2283
    """
    difference = _log_difference(*_high(prediction, reference, valid, min_height_m))
    if not difference.size:
        return None
    return float(np.mean(difference**2)) - SILOG_LAMBDA * float(np.mean(difference)) ** 2


def delta(
    prediction: np.ndarray, reference: np.ndarray, valid: Mask = None, power: int = 1, min_height_m: float = 1.0
) -> float | None:
    """Return the share of pixels with max(p / r, r / p) below 1.25**power; predictions of 0 m or less are misses."""
    return _mean(_height_ratio(*_high(prediction, reference, valid, min_height_m)) < DELTA_BASE**power)


def iou(predicted: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return intersection over union of two masks (1 building, 0 other, else missing)."""
    return _mask_score("iou", predicted, reference, valid)


def dice(predicted: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return 2 TP / (2 TP + FP + FN) of two masks (1 building, 0 other, else missing)."""
    return _mask_score("dice", predicted, reference, valid)


f1 = dice


def accuracy(predicted: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return the share of pixels in which two masks agree (1 building, 0 other, else missing)."""
    return _mask_score("accuracy", predicted, reference, valid)


def precision(predicted: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return the share of predicted building pixels that are building (1 building, 0 other, else missing)."""
    return _mask_score("precision", predicted, reference, valid)


def recall(predicted: np.ndarray, reference: np.ndarray, valid: Mask = None) -> float | None:
    """Return the share of building pixels that were predicted (1 building, 0 other, else missing)."""
    return _mask_score("recall", predicted, reference, valid)


def _errors(prediction: np.ndarray, reference: np.ndarray, valid: Mask) -> np.ndarray:
    predicted, truth, _ = scored_pixels(prediction, reference, valid)
    return predicted - truth


def _high(
    prediction: np.ndarray, reference: np.ndarray, valid: Mask, min_height_m: float
) -> tuple[np.ndarray, np.ndarray]:
    predicted, truth, _ = scored_pixels(prediction, reference, valid)
    return predicted[truth > min_height_m], truth[truth > min_height_m]


def _height_ratio(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return max(p / r, r / p), at least 1; infinite, a miss, where the prediction is not positive."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.maximum(predicted / truth, truth / np.maximum(predicted, 0.0))


def _log_difference(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return ln p - ln r with predictions of at least 1 mm."""
    return np.log(np.maximum(predicted, LEAST_PREDICTION_M)) - np.log(truth)


def _mask_score(name: str, predicted: np.ndarray, reference: np.ndarray, valid: Mask) -> float | None:
    return ConfusionStatistics.from_arrays(predicted, reference, valid).scores()[name]


def _mean(values: np.ndarray) -> float | None:
    return float(np.mean(values)) if values.size else None


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if values.size else None


def _root(square: float | None) -> float | None:
    return None if square is None else float(np.sqrt(square))

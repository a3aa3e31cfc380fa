"""Scores of height maps, footprints and buildings: sufficient statistics first, formulas second.

The functions on arrays are the definitions; `ErrorStatistics`, `ConfusionStatistics` and `InstanceStatistics` add up
over blocks, scenes and folds without losing a digit.
"""

from img2height.metrics.arrays import (
    abs_rel,
    accuracy,
    bias,
    delta,
    dice,
    f1,
    iou,
    log10,
    mae,
    medae,
    mse,
    nmad,
    precision,
    recall,
    rmse,
    rmse_rel,
    silog,
)
from img2height.metrics.confusion import ConfusionStatistics
from img2height.metrics.instances import InstanceStatistics, match_instances
from img2height.metrics.statistics import ErrorStatistics
from img2height.metrics.structure import ssim

__all__ = [
    "ConfusionStatistics",
    "ErrorStatistics",
    "InstanceStatistics",
    "abs_rel",
    "accuracy",
    "bias",
    "delta",
    "dice",
    "f1",
    "iou",
    "log10",
    "mae",
    "match_instances",
    "medae",
    "mse",
    "nmad",
    "precision",
    "recall",
    "rmse",
    "rmse_rel",
    "silog",
    "ssim",
]

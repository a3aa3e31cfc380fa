"""Scores of height maps, footprints and buildings: sufficient statistics first, formulas second.

The functions on arrays are the definitions; `ErrorStatistics` and `ConfusionStatistics` add up over blocks, scenes and
folds without losing a digit. The functions on buildings take GeoDataFrames in map units: `overlaps` pairs them,
`match`, `detection_scores` and `segmentation_errors` take its result, `shape_measures` compares the outlines of matches
and `height_errors` their heights and volumes; `InstanceStatistics` and `BuildingErrors` add up.
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
from img2height.metrics.buildings import BuildingErrors, InstanceStatistics, errors_by_class, height_errors
from img2height.metrics.confusion import ConfusionStatistics
from img2height.metrics.matching import (
    Overlaps,
    detection_scores,
    match,
    overlaps,
    segmentation_errors,
)
from img2height.metrics.polygons import (
    boundary_iou,
    complexity_iou,
    corners,
    hausdorff,
    polis,
    polygon_iou,
    shape_measures,
    tangent_angle,
)
from img2height.metrics.statistics import ErrorStatistics
from img2height.metrics.structure import ssim
from img2height.vocabulary.score import IOU_THRESHOLDS

__all__ = [
    "IOU_THRESHOLDS",
    "BuildingErrors",
    "ConfusionStatistics",
    "ErrorStatistics",
    "InstanceStatistics",
    "Overlaps",
    "abs_rel",
    "accuracy",
    "bias",
    "boundary_iou",
    "complexity_iou",
    "corners",
    "delta",
    "detection_scores",
    "dice",
    "errors_by_class",
    "f1",
    "hausdorff",
    "height_errors",
    "iou",
    "log10",
    "mae",
    "match",
    "medae",
    "mse",
    "nmad",
    "overlaps",
    "polis",
    "polygon_iou",
    "precision",
    "recall",
    "rmse",
    "rmse_rel",
    "segmentation_errors",
    "shape_measures",
    "silog",
    "ssim",
    "tangent_angle",
]

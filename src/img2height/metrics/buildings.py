"""Sufficient statistics of whole buildings: they add up over tiles, scenes and folds, and give the scores.

Terms are what each building adds to them: a table with one row per building, and for some of the fields of the
statistics an int64 column of counts, or of multiples of 2**-30 if its name ends in `_sum`.
"""

from dataclasses import dataclass, fields
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any, Self

import numpy as np
import pandas

from img2height.metrics.formulas import as_json, scores_of
from img2height.metrics.matching import Overlaps, match, segmentation_errors
from img2height.metrics.sums import FRACTION_BITS, Sums, quantise
from img2height.vocabulary.classes import HEIGHTS_M, SIZES_M2
from img2height.vocabulary.score import IOU_THRESHOLDS, Kind

CLASSES = ("all", *HEIGHTS_M, *SIZES_M2)  # of the errors of heights and volumes


@dataclass(frozen=True)
class _BuildingSums(Sums):
    """Counts, and sums in multiples of 2**-30, which end in `_sum`."""

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the fields."""
        return [field.name for field in fields(cls)]

    @classmethod
    def of_terms(cls, terms: pandas.DataFrame) -> Self:
        """Return the sums of terms; a field without a column is 0."""
        return cls(**{str(name): sum(terms[name].tolist()) for name in terms})  # Python integers do not overflow

    def _scores(self, kind: Kind) -> dict[str, float | None]:
        return as_json(scores_of(kind, **{name: value / unit_of(name) for name, value in vars(self).items()}))


def unit_of(field: str) -> int:
    """Return by what to divide a field of the statistics."""
    return 1 << FRACTION_BITS if field.endswith("_sum") else 1


@dataclass(frozen=True)
class InstanceStatistics(_BuildingSums):
    """Buildings by outcome, and sums of how much the outlines of matched pairs differ.

    Attributes:
        tp: predicted buildings matched to a reference.
        fp: predicted buildings without a match.
        fn: reference buildings without a match.
        tp_thresholds: matches at each of `IOU_THRESHOLDS`, all together.
        overlapped: reference buildings that share area with a prediction.
        pairs: matches whose outlines are compared.
        tangent_pairs: those of them that have a tangent angle error.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tp_thresholds: int = 0
    overlapped: int = 0
    oversegmentation_sum: int = 0
    undersegmentation_sum: int = 0
    pairs: int = 0
    boundary_iou_sum: int = 0
    complexity_iou_sum: int = 0
    polis_sum: int = 0
    hausdorff_sum: int = 0
    tangent_pairs: int = 0
    tangent_sum: int = 0
    predicted_corners: int = 0
    reference_corners: int = 0

    @classmethod
    def of_detection(cls, pairs: Overlaps, iou_min: float = 0.5) -> Self:
        """Return the outcomes of the matching, and the segmentation errors.

        Args:
            pairs: all pairs that share area, see `overlaps`.
            iou_min: smallest IoU of a match for `tp`, `fp` and `fn`.
        """
        return reduce(add, map(cls.of_terms, detection_terms(pairs, iou_min)))

    @classmethod
    def of_shapes(cls, measures: pandas.DataFrame) -> Self:
        """Return the sums of the result of `shape_measures`."""
        return cls.of_terms(shape_terms(measures))

    def scores(self) -> dict[str, float | None]:
        """Return the scores and the counts behind them; None if nothing counts."""
        counts = {name: getattr(self, name) for name in ("tp", "fp", "fn", "overlapped", "pairs")}
        return self._scores("buildings") | counts


@dataclass(frozen=True)
class BuildingErrors(_BuildingSums):
    """Sums of the errors of heights and volumes of buildings, prediction minus reference.

    Attributes:
        buildings: those with a predicted and a reference height.
        volumes: those with a predicted and a reference volume.
    """

    buildings: int = 0
    height_error_sum: int = 0
    height_absolute_sum: int = 0
    height_square_sum: int = 0
    volumes: int = 0
    volume_reference_sum: int = 0
    volume_error_sum: int = 0
    volume_absolute_sum: int = 0

    @classmethod
    def of_pairs(cls, predicted: pandas.DataFrame, reference: pandas.DataFrame) -> Self:
        """Return the statistics of pairs of buildings; missing heights and volumes (NaN) are left out.

        Args:
            predicted: `height_m` and `volume_m3`, one row per pair.
            reference: the same, rows in the same order.
        """
        return cls.of_terms(error_terms(predicted, reference))

    def scores(self) -> dict[str, float | None]:
        """Return the scores and the counts behind them; None if nothing counts."""
        return self._scores("building_errors") | {"buildings": self.buildings, "volumes": self.volumes}


def detection_terms(pairs: Overlaps, iou_min: float = 0.5) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Return the terms of the predicted and of the reference buildings in `InstanceStatistics`, outlines left out.

    Args:
        pairs: all pairs that share area, see `overlaps`.
        iou_min: smallest IoU of a match for `tp`, `fp` and `fn`.
    """
    matched, errors = match(pairs, iou_min), segmentation_errors(pairs)
    ours, theirs = len(pairs.predicted_m2), len(pairs.reference_m2)
    right, found, overlapped = np.zeros(ours, np.int64), np.zeros(theirs, np.int64), np.zeros(theirs, np.int64)
    right[matched.predicted] = found[matched.reference] = overlapped[errors["reference"]] = 1
    thresholds = [match(pairs, threshold).reference for threshold in IOU_THRESHOLDS]
    terms = {
        "tp": found,
        "fn": 1 - found,
        "tp_thresholds": np.bincount(np.concatenate(thresholds), minlength=theirs),
        "overlapped": overlapped,
    }
    for name in ("oversegmentation", "undersegmentation"):
        terms[f"{name}_sum"] = np.zeros(theirs, np.int64)
        terms[f"{name}_sum"][errors["reference"]] = quantise(errors[name].to_numpy())
    return pandas.DataFrame({"fp": 1 - right}), pandas.DataFrame(terms)


def shape_terms(measures: pandas.DataFrame) -> pandas.DataFrame:
    """Return the terms of matched pairs in `InstanceStatistics` from the result of `shape_measures`."""
    angle = measures["tangent_angle_deg"]
    return pandas.DataFrame(
        {
            "pairs": 1,
            "boundary_iou_sum": _whole(measures["boundary_iou"]),
            "complexity_iou_sum": _whole(measures["complexity_iou"]),
            "polis_sum": _whole(measures["polis_m"]),
            "hausdorff_sum": _whole(measures["hausdorff_m"]),
            "tangent_pairs": angle.notna().astype(np.int64),
            "tangent_sum": _whole(angle),
            "predicted_corners": measures["predicted_corners"],
            "reference_corners": measures["reference_corners"],
        },
        index=measures.index,
    )


def error_terms(predicted: pandas.DataFrame, reference: pandas.DataFrame) -> pandas.DataFrame:
    """Return the terms of pairs of buildings in `BuildingErrors`; see `BuildingErrors.of_pairs` for the arguments."""
    (height_m, volume_m3), (true_m, true_m3) = (
        (table["height_m"].to_numpy(np.float64), table["volume_m3"].to_numpy(np.float64))
        for table in (predicted, reference)
    )
    heights, volumes = height_m - true_m, volume_m3 - true_m3
    there = np.isfinite(volumes)
    return pandas.DataFrame(
        {
            "buildings": np.isfinite(heights).astype(np.int64),
            "height_error_sum": _whole(heights),
            "height_absolute_sum": _whole(np.abs(heights)),
            "height_square_sum": _whole(heights**2),
            "volumes": there.astype(np.int64),
            "volume_reference_sum": _whole(np.where(there, true_m3, 0.0)),
            "volume_error_sum": _whole(volumes),
            "volume_absolute_sum": _whole(np.abs(volumes)),
        }
    )


def _whole(values: Any) -> np.ndarray:
    """Return numbers in multiples of 2**-30, int64; 0 where they are missing, so that they add nothing."""
    numbers = np.asarray(values, np.float64)
    return quantise(np.where(np.isfinite(numbers), numbers, 0.0))


def classes_of(reference: pandas.DataFrame) -> dict[str, np.ndarray]:
    """Return which buildings belong to each of `CLASSES`, bool: by height and by area of the reference.

    Args:
        reference: `height_m` (metres, NaN where missing) and `area_m2`.
    """
    height_m, area_m2 = (reference[name].to_numpy(np.float64) for name in ("height_m", "area_m2"))
    sizes = zip(SIZES_M2, pairwise([*SIZES_M2.values(), np.inf]), strict=True)
    classes = {"all": np.ones(len(reference), dtype=bool)}
    classes |= {name: (height_m > low) & (height_m <= high) for name, (low, high) in HEIGHTS_M.items()}
    return classes | {name: (area_m2 > low) & (area_m2 <= high) for name, (low, high) in sizes}


def errors_by_class(predicted: pandas.DataFrame, reference: pandas.DataFrame) -> dict[str, BuildingErrors]:
    """Return the errors of all pairs of buildings (`all`), by class of reference height and by class of reference area.

    Args:
        predicted: `height_m` (metres) and `volume_m3`, one row per pair, NaN where missing.
        reference: the same and `area_m2`, rows in the same order.
    """
    terms = error_terms(predicted, reference)
    return {name: BuildingErrors.of_terms(terms[chosen]) for name, chosen in classes_of(reference).items()}


def height_errors(predicted: pandas.DataFrame, reference: pandas.DataFrame) -> pandas.DataFrame:
    """Return bias, MAE, RMSE and volume errors by class, one row per class; see `errors_by_class` for the arguments."""
    rows = {name: errors.scores() for name, errors in errors_by_class(predicted, reference).items()}
    return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("class").astype("float64").reset_index()

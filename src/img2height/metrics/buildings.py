"""Sufficient statistics of whole buildings: they add up over scenes and folds, and give the scores."""

from dataclasses import dataclass
from itertools import pairwise
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

    def _scores(self, kind: Kind) -> dict[str, float | None]:
        units = {name: 1 << FRACTION_BITS if name.endswith("_sum") else 1 for name in vars(self)}
        return as_json(scores_of(kind, **{name: value / units[name] for name, value in vars(self).items()}))


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
        tp = len(match(pairs, iou_min).predicted)
        errors = segmentation_errors(pairs)
        return cls(
            tp=tp,
            fp=len(pairs.predicted_m2) - tp,
            fn=len(pairs.reference_m2) - tp,
            tp_thresholds=sum(len(match(pairs, threshold).predicted) for threshold in IOU_THRESHOLDS),
            overlapped=len(errors),
            oversegmentation_sum=exact_sum(errors["oversegmentation"]),
            undersegmentation_sum=exact_sum(errors["undersegmentation"]),
        )

    @classmethod
    def of_shapes(cls, measures: pandas.DataFrame) -> Self:
        """Return the sums of the result of `shape_measures`."""
        return cls(
            pairs=len(measures),
            boundary_iou_sum=exact_sum(measures["boundary_iou"]),
            complexity_iou_sum=exact_sum(measures["complexity_iou"]),
            polis_sum=exact_sum(measures["polis_m"]),
            hausdorff_sum=exact_sum(measures["hausdorff_m"]),
            tangent_pairs=int(measures["tangent_angle_deg"].count()),
            tangent_sum=exact_sum(measures["tangent_angle_deg"]),
            predicted_corners=int(measures["predicted_corners"].sum()),
            reference_corners=int(measures["reference_corners"].sum()),
        )

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
        heights, volumes = (
            (predicted[name].to_numpy(np.float64) - reference[name].to_numpy(np.float64))
            for name in ("height_m", "volume_m3")
        )
        whole = reference["volume_m3"].to_numpy(np.float64)[np.isfinite(volumes)]
        return cls(
            buildings=int(np.isfinite(heights).sum()),
            height_error_sum=exact_sum(heights),
            height_absolute_sum=exact_sum(np.abs(heights)),
            height_square_sum=exact_sum(heights**2),
            volumes=len(whole),
            volume_reference_sum=exact_sum(whole),
            volume_error_sum=exact_sum(volumes),
            volume_absolute_sum=exact_sum(np.abs(volumes)),
        )

    def scores(self) -> dict[str, float | None]:
        """Return the scores and the counts behind them; None if nothing counts."""
        return self._scores("building_errors") | {"buildings": self.buildings, "volumes": self.volumes}


def exact_sum(values: Any) -> int:
    """Return the sum of numbers in multiples of 2**-30 as a Python integer, NaN left out; the order does not matter."""
    numbers = np.asarray(values, np.float64)
    return sum(quantise(numbers[np.isfinite(numbers)]).tolist())


def errors_by_class(predicted: pandas.DataFrame, reference: pandas.DataFrame) -> dict[str, BuildingErrors]:
    """Return the errors of all pairs of buildings (`all`), by class of reference height and by class of reference area.

    Args:
        predicted: `height_m` (metres) and `volume_m3`, one row per pair, NaN where missing.
        reference: the same and `area_m2`, rows in the same order.
    """
    height_m, area_m2 = (reference[name].to_numpy(np.float64) for name in ("height_m", "area_m2"))
    sizes = zip(SIZES_M2, pairwise([*SIZES_M2.values(), np.inf]), strict=True)
    classes = {"all": np.ones(len(reference), dtype=bool)}
    classes |= {name: (height_m > low) & (height_m <= high) for name, (low, high) in HEIGHTS_M.items()}
    classes |= {name: (area_m2 > low) & (area_m2 <= high) for name, (low, high) in sizes}
    return {name: BuildingErrors.of_pairs(predicted[chosen], reference[chosen]) for name, chosen in classes.items()}


def height_errors(predicted: pandas.DataFrame, reference: pandas.DataFrame) -> pandas.DataFrame:
    """Return bias, MAE, RMSE and volume errors by class, one row per class; see `errors_by_class` for the arguments."""
    rows = {name: errors.scores() for name, errors in errors_by_class(predicted, reference).items()}
    return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("class").astype("float64").reset_index()

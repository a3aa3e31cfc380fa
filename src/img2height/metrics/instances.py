"""Detected, false and missed buildings: polygons matched one to one by overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Polygon

from img2height.errors import DataError
from img2height.metrics.formulas import as_json, scores_of
from img2height.metrics.sums import Sums


@dataclass(frozen=True)
class InstanceStatistics(Sums):
    """Buildings by outcome.

    Attributes:
        tp: predicted buildings matched to a reference.
        fp: predicted buildings without a match.
        fn: reference buildings without a match.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def scores(self) -> dict[str, float | None]:
        """Return precision, recall and F1 with the counts; None if nothing counts."""
        return as_json(scores_of("buildings", **vars(self))) | self.to_json()


def match_instances(
    predicted: Sequence[Polygon], reference: Sequence[Polygon], iou_min: float = 0.5
) -> InstanceStatistics:
    """Return the statistics of a greedy one-to-one matching, largest overlap first.

    A pair matches if its intersection over union is at least `iou_min`, as in SpaceNet:
    Van Etten et al. (2018), https://arxiv.org/abs/1807.01232

    Args:
        predicted: polygons in map coordinates, metres.
        reference: polygons in the same coordinates.
        iou_min: smallest overlap of a match, above 0 and at most 1.

    Raises:
        DataError: a polygon is invalid, or the threshold is not in its interval.
    """
    if not 0 < iou_min <= 1:
        raise DataError(f"iou_min is {iou_min}; it must be above 0 and at most 1")
    sides = _valid_array("predicted", predicted), _valid_array("reference", reference)
    free = [np.ones(len(side), dtype=bool) for side in sides]
    for i, j in _overlaps(*sides, iou_min):
        if free[0][i] and free[1][j]:
            free[0][i] = free[1][j] = False
    return InstanceStatistics(tp=int((~free[0]).sum()), fp=int(free[0].sum()), fn=int(free[1].sum()))


def _overlaps(predicted: np.ndarray, reference: np.ndarray, iou_min: float) -> np.ndarray:
    """Return index pairs that overlap enough, Kx2, largest overlap first, ties in the order of the inputs."""
    i, j = shapely.STRtree(reference).query(predicted, predicate="intersects")
    shared = shapely.area(shapely.intersection(predicted[i], reference[j]))
    iou = shared / (shapely.area(predicted[i]) + shapely.area(reference[j]) - shared)
    order = np.lexsort((j, i, -iou))
    return np.stack([i, j], axis=1)[order[iou[order] >= iou_min]]


def _valid_array(side: str, polygons: Sequence[Polygon]) -> np.ndarray:
    array = np.array(list(polygons), dtype=object)
    wrong = np.flatnonzero(~(shapely.is_valid(array) & (shapely.area(array) > 0)))
    if wrong.size:
        raise DataError(
            f"{side} polygon {wrong[0]} has no area or crosses itself ({shapely.is_valid_reason(array[wrong[0]])}); "
            "repair the polygons, e.g. with shapely.make_valid"
        )
    return array

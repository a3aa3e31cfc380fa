"""Which predicted building is which reference building: matching by overlap, and the scores of detection."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import geopandas
import numpy as np
import pandas
import shapely
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError
from img2height.io.projections import require_metres
from img2height.metrics.formulas import share
from img2height.vocabulary.score import IOU_THRESHOLDS

Buildings: TypeAlias = geopandas.GeoDataFrame | geopandas.GeoSeries | Sequence[BaseGeometry] | np.ndarray
_POLYGONAL = [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON]


class Overlaps(NamedTuple):
    """All pairs of a predicted and a reference building that share area, or some of them.

    Attributes:
        predicted: position of the predicted building of each pair, K int64.
        reference: position of the reference building of each pair, K int64.
        shared_m2: area that the two share, K float64.
        predicted_m2: area of each predicted building, with or without a partner, P float64.
        reference_m2: area of each reference building, R float64.
    """

    predicted: np.ndarray
    reference: np.ndarray
    shared_m2: np.ndarray
    predicted_m2: np.ndarray
    reference_m2: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """Intersection over union of each pair, K float64."""
        both = self.predicted_m2[self.predicted] + self.reference_m2[self.reference]
        return self.shared_m2 / (both - self.shared_m2)

    def only(self, which: np.ndarray) -> "Overlaps":
        """Return some of the pairs, chosen by a bool array or by positions."""
        chosen = (self.predicted[which], self.reference[which], self.shared_m2[which])
        return Overlaps(*chosen, self.predicted_m2, self.reference_m2)


def overlaps(predicted: Buildings, reference: Buildings) -> Overlaps:
    """Return the pairs of buildings that share area, by predicted and then by reference building.

    Args:
        predicted: polygons or multipolygons in map coordinates, metres; a table or series with its CRS, or geometries.
        reference: the same in the same coordinates.

    Raises:
        DataError: a geometry is not a valid polygon with an area, or the coordinates differ or are not in metres.
    """
    ours, theirs = polygons_of("predicted", predicted), polygons_of("reference", reference)
    systems = [crs for crs in (getattr(side, "crs", None) for side in (predicted, reference)) if crs is not None]
    if len(systems) == 2 and systems[0] != systems[1]:
        raise DataError(
            f"the predicted buildings are in {systems[0].name}, the reference in {systems[1].name}; reproject one"
        )
    i, j = shapely.STRtree(theirs).query(ours)
    shared = shapely.area(shapely.intersection(ours[i], theirs[j]))
    order = np.lexsort((j, i))
    order = order[shared[order] > 0]
    return Overlaps(i[order], j[order], shared[order], shapely.area(ours), shapely.area(theirs))


def polygons_of(side: str, buildings: Buildings) -> np.ndarray:
    """Return the polygons of buildings as an object array of shapely geometries.

    Args:
        side: of the comparison, for the message.
        buildings: a table or series with its CRS, or geometries.

    Raises:
        DataError: a geometry is not a valid polygon with an area, or the coordinates are not in metres.
    """
    if isinstance(buildings, geopandas.GeoDataFrame | geopandas.GeoSeries):
        if buildings.crs is not None:
            require_metres(buildings.crs)
        shapes = np.asarray(buildings.geometry.to_numpy(), dtype=object)
    else:
        shapes = np.array(list(buildings), dtype=object)
    fine = np.isin(shapely.get_type_id(shapes), _POLYGONAL) & shapely.is_valid(shapes) & (shapely.area(shapes) > 0)
    if not fine.all():
        first = int(np.flatnonzero(~fine)[0])
        raise DataError(
            f"{side} building {first} is not a valid polygon with an area ({_reason(shapes[first])}); repair or remove "
            "such buildings, e.g. with shapely.make_valid"
        )
    return shapes


def _reason(shape: BaseGeometry | None) -> str:
    if shape is None or shape.is_empty:
        return "missing" if shape is None else "empty"
    return shape.geom_type if shape.is_valid else str(shapely.is_valid_reason(shape))


def match(pairs: Overlaps, iou_min: float = 0.5) -> Overlaps:
    """Return the one-to-one matches: as many as possible, and among these the ones with the largest total IoU.

    A pair can match if its IoU is at least `iou_min`, as in SpaceNet (Van Etten et al. 2018,
    https://arxiv.org/abs/1807.01232). Where several pairs compete, the assignment is optimal (Crouse 2016,
    https://doi.org/10.1109/TAES.2016.140952); taking the largest overlap first may find fewer matches.

    Args:
        pairs: all pairs that share area, see `overlaps`.
        iou_min: smallest IoU of a match, above 0 and at most 1.

    Raises:
        DataError: the threshold is not in its interval.
    """
    if not 0 < iou_min <= 1:
        raise DataError(f"iou_min is {iou_min}; it must be above 0 and at most 1")
    able = pairs.only(pairs.iou >= iou_min)
    component = _components(able)
    chosen = np.bincount(component)[component] == 1  # pairs without rivals
    rest = np.flatnonzero(~chosen)
    rest = rest[np.argsort(component[rest], kind="stable")]
    for rivals in np.split(rest, np.flatnonzero(np.diff(component[rest])) + 1):
        chosen[rivals[_best(able.only(rivals))]] = True
    return able.only(chosen)


def _components(pairs: Overlaps) -> np.ndarray:
    """Return the component of each pair: pairs that share a building, directly or in a chain, have one number."""
    ours, theirs = len(pairs.predicted_m2), len(pairs.reference_m2)
    links = coo_array((np.ones(len(pairs.predicted)), (pairs.predicted, ours + pairs.reference)), (ours + theirs,) * 2)
    return connected_components(links, directed=False)[1][pairs.predicted]


def _best(pairs: Overlaps) -> np.ndarray:
    """Return the positions of the best matches among the pairs of one component."""
    rows, i = np.unique(pairs.predicted, return_inverse=True)
    columns, j = np.unique(pairs.reference, return_inverse=True)
    place = np.full((len(rows), len(columns)), -1)
    place[i, j] = np.arange(len(i))
    worth = np.zeros(place.shape)
    worth[i, j] = min(place.shape) + pairs.iou  # one more match outweighs every sum of IoU
    found = place[linear_sum_assignment(worth, maximize=True)]
    return found[found >= 0]


def detection_scores(pairs: Overlaps, thresholds: Sequence[float] = IOU_THRESHOLDS) -> pandas.DataFrame:
    """Return tp, fp, fn, precision, recall, f1 and ap of the matching at each IoU threshold; NaN if nothing counts.

    Buildings have no confidence, so there is no curve of precision over recall to average, as in COCO. `ap` is
    TP / (TP + FP + FN), which the 2018 Data Science Bowl calls average precision and averages over the thresholds:
    Caicedo et al. (2019), https://doi.org/10.1038/s41592-019-0612-7. The mean of a column sums up all thresholds.

    Args:
        pairs: all pairs that share area, see `overlaps`.
        thresholds: smallest IoU of a match, each above 0 and at most 1.

    Returns:
        One row per threshold, `iou_min`.
    """
    tp = np.array([len(match(pairs, iou_min).predicted) for iou_min in thresholds], dtype=np.int64)
    fp, fn = len(pairs.predicted_m2) - tp, len(pairs.reference_m2) - tp
    scores = {
        "precision": share(tp, tp + fp),
        "recall": share(tp, tp + fn),
        "f1": share(2 * tp, 2 * tp + fp + fn),
        "ap": share(tp, tp + fp + fn),
    }
    return pandas.DataFrame({"iou_min": list(thresholds), "tp": tp, "fp": fp, "fn": fn} | scores)


def segmentation_errors(pairs: Overlaps) -> pandas.DataFrame:
    """Return the over- and undersegmentation of each reference building that shares area with a prediction.

    With O a reference building and P the predicted one that shares the most area with it (the first of equals),
    oversegmentation is 1 - |O ∩ P| / |O|, and undersegmentation is 1 - |O ∩ P| / |P|: 0 is right, near 1 is split into
    many parts or merged into a much larger one. Both follow Persello and Bruzzone (2010),
    https://doi.org/10.1109/TGRS.2009.2029570; Clinton et al. (2010), https://doi.org/10.14358/PERS.76.3.289, use
    the same two fractions.

    Args:
        pairs: all pairs that share area, see `overlaps`.

    Returns:
        Rows of `reference`, `predicted`, `oversegmentation`, `undersegmentation`, by reference building.
    """
    order = np.lexsort((pairs.predicted, -pairs.shared_m2, pairs.reference))
    first = np.unique(pairs.reference[order], return_index=True)[1]
    best = pairs.only(order[first])
    return pandas.DataFrame(
        {
            "reference": best.reference,
            "predicted": best.predicted,
            "oversegmentation": 1 - best.shared_m2 / best.reference_m2[best.reference],
            "undersegmentation": 1 - best.shared_m2 / best.predicted_m2[best.predicted],
        }
    )

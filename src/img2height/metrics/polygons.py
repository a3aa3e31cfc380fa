"""How much the outlines of matched buildings differ: one value per pair, in metres of the map.

All functions take two equally long collections, the predicted and the reference building of each pair: polygons or
multipolygons, with courtyards or without. Vertices and outlines are those of all rings.
"""

import numpy as np
import pandas
import shapely

from img2height.errors import DataError
from img2height.metrics.matching import Buildings, polygons_of

STRAIGHT_DEG = 0.1  # a vertex where the outline turns by less is not a corner
DENSIFY = 0.25  # the Hausdorff distance is also measured at the quarters of each wall
MOST_STRETCH = 2.0  # of a step along the outline by its projection; more is a step across a corner


def shape_measures(
    predicted: Buildings, reference: Buildings, *, boundary_m: float, spacing_m: float = 1.0
) -> pandas.DataFrame:
    """Return all measures of this module, one row per pair; columns are named after the functions, with their units.

    Args:
        predicted: one building per pair, metres.
        reference: the other building of each pair.
        boundary_m: see `boundary_iou`.
        spacing_m: see `tangent_angle`.

    Raises:
        DataError: see `paired`.
    """
    ours, theirs = paired(predicted, reference)
    iou, found, true = _iou(ours, theirs), corners(ours), corners(theirs)
    return pandas.DataFrame(
        {
            "polygon_iou": iou,
            "boundary_iou": boundary_iou(ours, theirs, boundary_m),
            "polis_m": polis(ours, theirs),
            "hausdorff_m": hausdorff(ours, theirs),
            "complexity_iou": iou * _likeness(found, true),
            "tangent_angle_deg": tangent_angle(ours, theirs, spacing_m),
            "predicted_corners": found,
            "reference_corners": true,
        }
    )


def paired(predicted: Buildings, reference: Buildings) -> tuple[np.ndarray, np.ndarray]:
    """Return the polygons of both sides as object arrays.

    Raises:
        DataError: there are not as many on one side as on the other, or see `polygons_of`.
    """
    ours, theirs = polygons_of("predicted", predicted), polygons_of("reference", reference)
    if len(ours) != len(theirs):
        raise DataError(
            f"{len(ours)} predicted and {len(theirs)} reference buildings are not pairs; "
            "pass those that `match` pairs, in its order"
        )
    return ours, theirs


def polygon_iou(predicted: Buildings, reference: Buildings) -> np.ndarray:
    """Return the intersection over union of each pair, N float64 from 0 to 1; symmetric."""
    return _iou(*paired(predicted, reference))


def boundary_iou(predicted: Buildings, reference: Buildings, boundary_m: float) -> np.ndarray:
    """Return the IoU of the bands of `boundary_m` metres inside both outlines, N float64 from 0 to 1; symmetric.

    With P_d the points of P within a distance d of its outline, it is |P_d ∩ R_d| / |P_d ∪ R_d|. Unlike the IoU it does
    not forgive a wrong outline of a large building. The bands are of the distance d of Cheng et al. (2021),
    https://arxiv.org/abs/2103.16562, in metres instead of 2 % of the diagonal of an image.

    Raises:
        DataError: the width is not positive, or see `paired`.
    """
    if not boundary_m > 0:
        raise DataError(f"boundary_m is {boundary_m}; it must be a positive width in metres")
    return _iou(*(_band(side, boundary_m) for side in paired(predicted, reference)))


def _iou(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    shared = shapely.area(shapely.intersection(ours, theirs))
    return shared / (shapely.area(ours) + shapely.area(theirs) - shared)


def _band(shapes: np.ndarray, width_m: float) -> np.ndarray:
    return np.asarray(shapely.difference(shapes, shapely.buffer(shapes, -width_m)))


def polis(predicted: Buildings, reference: Buildings) -> np.ndarray:
    """Return the PoLiS distance of each pair in metres, N float64; symmetric.

    The mean distance from the vertices of one building to the nearest point of the outline of the other, and the same
    the other way round, averaged; additional vertices on a straight wall have weight. Source: Avbelj et al. (2015),
    https://doi.org/10.1109/LGRS.2014.2330695

    Raises:
        DataError: see `paired`.
    """
    ours, theirs = paired(predicted, reference)
    return (_mean_distance(ours, theirs) + _mean_distance(theirs, ours)) / 2


def _mean_distance(shapes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the mean distance of the vertices of each shape from the outline of its partner."""
    vertices, owner, _ = _vertices(shapes)
    distance = shapely.distance(shapely.points(vertices), shapely.boundary(others)[owner])
    return np.bincount(owner, distance, len(shapes)) / np.bincount(owner, minlength=len(shapes))


def hausdorff(predicted: Buildings, reference: Buildings) -> np.ndarray:
    """Return the Hausdorff distance of the outlines of each pair in metres, N float64; symmetric.

    The largest distance from a point of one outline to the nearest point of the other, measured from the vertices and
    the quarters of each wall: where the maximum lies between them, it is too small by at most an eighth of the wall.

    Raises:
        DataError: see `paired`.
    """
    ours, theirs = (shapely.boundary(side) for side in paired(predicted, reference))
    return np.asarray(shapely.hausdorff_distance(ours, theirs, densify=DENSIFY), dtype=np.float64)


def corners(buildings: Buildings) -> np.ndarray:
    """Return the number of corners of each building, N int64.

    A corner is a vertex where the outline turns by at least 0.1°, so that the vertices where neighbours meet a straight
    wall do not count.

    Raises:
        DataError: see `polygons_of`.
    """
    shapes = shapely.remove_repeated_points(polygons_of("counted", buildings))
    vertices, owner, ring = _vertices(shapes)
    first, last = np.flatnonzero(np.diff(ring, prepend=-1)), np.flatnonzero(np.diff(ring, append=-1))
    after, before = np.arange(len(ring)) + 1, np.arange(len(ring)) - 1
    after[last], before[first] = first, last
    outward, inward = vertices[after] - vertices, vertices - vertices[before]
    turn = np.arctan2(_cross(inward, outward), (inward * outward).sum(axis=1))
    return np.bincount(owner[np.abs(turn) >= np.radians(STRAIGHT_DEG)], minlength=len(shapes))


def complexity_iou(predicted: Buildings, reference: Buildings) -> np.ndarray:
    """Return the complexity-aware IoU (C-IoU) of each pair, N float64 from 0 to 1; symmetric.

    IoU x (1 - |n - m| / (n + m)) with the numbers of corners n and m: a right area with a ragged or rounded outline
    does not count fully. Source: Zorzi et al. (2022), https://arxiv.org/abs/2111.15491, who take all vertices and the
    buildings of an image together.

    Raises:
        DataError: see `paired`.
    """
    ours, theirs = paired(predicted, reference)
    return _iou(ours, theirs) * _likeness(corners(ours), corners(theirs))


def _likeness(n: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Return 1 for equal numbers of corners, 0 if only one side has any."""
    return 1 - np.abs(n - m) / np.maximum(n + m, 1)


def tangent_angle(predicted: Buildings, reference: Buildings, spacing_m: float = 1.0) -> np.ndarray:
    """Return the maximum tangent angle error of each pair in degrees, N float64 from 0 to 90; NaN where nothing counts.

    The predicted outline is divided into steps of at most `spacing_m`, whose ends are projected onto the reference
    outline; the error of a step is the angle between it and its projection. Steps whose length the projection changes
    by a factor of two or more cross a corner and do not count. Not symmetric, and it depends on the spacing: compare
    only values of one spacing. Source: Girard et al. (2021), https://arxiv.org/abs/2004.14875

    Raises:
        DataError: the spacing is not positive, or see `paired`.
    """
    if not spacing_m > 0:
        raise DataError(f"spacing_m is {spacing_m}; it must be a positive length in metres")
    ours, theirs = paired(predicted, reference)
    rings, owner = _rings(np.asarray(shapely.segmentize(ours, spacing_m)))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    nearest = shapely.shortest_line(shapely.points(points), shapely.boundary(theirs)[owner[ring]])
    projected = shapely.get_coordinates(nearest)[1::2]
    within = ring[1:] == ring[:-1]
    steps, shadows = np.diff(points, axis=0)[within], np.diff(projected, axis=0)[within]
    length, shadow = np.hypot(*steps.T), np.hypot(*shadows.T)
    counts = (shadow * MOST_STRETCH > length) & (shadow < MOST_STRETCH * length)
    turned = np.arctan2(np.abs(_cross(steps, shadows)), np.abs((steps * shadows).sum(axis=1)))
    worst = np.full(len(ours), -np.inf)
    np.maximum.at(worst, owner[ring[1:][within]][counts], np.degrees(turned[counts]))
    return np.where(np.isfinite(worst), worst, np.nan)


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


def _rings(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all rings, and the position of the shape of each."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, owner[part]


def _vertices(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the vertices without the repeated end of each ring, V x 2, and shape and ring of each."""
    rings, owner = _rings(shapes)
    vertices, ring = shapely.get_coordinates(rings, return_index=True)
    kept = np.diff(ring, append=-1) == 0
    return vertices[kept], owner[ring[kept]], ring[kept]

"""Measures of the outlines of matched buildings, by hand and by their properties."""

import math

import geopandas
import numpy as np
import pytest
import shapely
from shapely import box
from shapely.affinity import rotate, scale, translate
from shapely.geometry import MultiPolygon, Polygon

from img2height.errors import DataError
from img2height.metrics import (
    boundary_iou,
    complexity_iou,
    corners,
    hausdorff,
    polis,
    polygon_iou,
    shape_measures,
    tangent_angle,
)

SQUARE = box(0, 0, 10, 10)
SHIFTED = box(1, 0, 11, 10)
L_SHAPE = Polygon([(0, 0), (10, 0), (10, 5), (5, 5), (5, 10), (0, 10)])
COURT = Polygon(SQUARE.exterior, [box(4, 4, 6, 6).exterior])
TWO = MultiPolygon([box(0, 0, 4, 10), box(6, 0, 10, 10)])
CUT = Polygon([(0, 0), (10, 0), (10, 8), (8, 10), (0, 10)])  # one corner cut off at 45 degrees
SHAPES = [SQUARE, SHIFTED, L_SHAPE, COURT, TWO, CUT]
SYMMETRIC = [polygon_iou, polis, hausdorff, complexity_iou, lambda p, r: boundary_iou(p, r, 1.5)]
MEASURES = [*SYMMETRIC, tangent_angle]


def test_a_shifted_square():
    assert polygon_iou([SHIFTED], [SQUARE]) == pytest.approx([9 / 11])
    # two corners of each lie on a line of the other, two are 1 m away
    assert polis([SHIFTED], [SQUARE]) == pytest.approx([0.5])
    assert hausdorff([SHIFTED], [SQUARE]) == pytest.approx([1.0])
    assert complexity_iou([SHIFTED], [SQUARE]) == pytest.approx([9 / 11])
    # bands of 2 m have 64 m2 each; they share two strips of 9 x 2 m and, on the sides, two of 1 x 6 m
    assert boundary_iou([SHIFTED], [SQUARE], 2.0) == pytest.approx([48 / 80])


def test_a_square_against_an_l_shape():
    assert polygon_iou([SQUARE], [L_SHAPE]) == pytest.approx([0.75])
    # square to L: (10, 10) is 5 m away, the rest 0; L to square: the inner corner is 5 m away
    assert polis([SQUARE], [L_SHAPE]) == pytest.approx([(5 / 4 + 5 / 6) / 2])
    assert hausdorff([SQUARE], [L_SHAPE]) == pytest.approx([5.0])
    assert complexity_iou([SQUARE], [L_SHAPE]) == pytest.approx([0.75 * (1 - 2 / 10)])


def test_a_courtyard_belongs_to_the_outline():
    assert polygon_iou([SQUARE], [COURT]) == pytest.approx([0.96])
    # the corners of the courtyard are 4 m from the outline: mean of 0 over four, and of 4 m over four of eight
    assert polis([SQUARE], [COURT]) == pytest.approx([(0 + 2) / 2])
    assert hausdorff([SQUARE], [COURT]) == pytest.approx([4.0])
    assert corners([COURT]).tolist() == [8]
    # bands of 1 m: 36 m2, and with courtyard around it 4 x 2 m2 and four quarters of a circle, up to their vertices
    assert boundary_iou([SQUARE], [COURT], 1.0) == pytest.approx([36 / (36 + 8 + math.pi)], rel=1e-3)
    assert boundary_iou([SQUARE], [COURT], 7.0) == pytest.approx([0.96])  # bands as wide as the building: the IoU


def test_buildings_in_two_parts():
    assert polygon_iou([TWO], [SQUARE]) == pytest.approx([0.8])
    assert polis([TWO], [SQUARE]) == [0]  # all vertices of both lie on the outline of the other
    assert hausdorff([TWO], [SQUARE]) == pytest.approx([4.0])  # (4, 4) to (0, 4), at a quarter of its wall: exact is 4
    assert corners([TWO]).tolist() == [8]


def test_corners_are_vertices_where_the_outline_turns():
    stepped = Polygon([(0, 0), (5, 0), (10, 0), (10, 10), (5, 10), (5, 10), (0, 10), (0, 5)])
    assert corners([stepped, SQUARE, L_SHAPE, CUT]).tolist() == [4, 4, 6, 5]
    assert complexity_iou([stepped], [SQUARE]) == pytest.approx([1])
    assert corners([shapely.Point(0, 0).buffer(5, quad_segs=16)]).tolist() == [64]


def test_the_tangent_angle_of_a_cut_corner():
    assert tangent_angle([SQUARE], [SQUARE]) == [0]
    # the cut of 2.83 m has three steps: the middle one is projected onto both walls, the others turn by 45 degrees
    assert tangent_angle([CUT], [SQUARE]) == pytest.approx([45])
    # steps that are all projected onto one corner do not count
    assert np.isnan(tangent_angle([translate(CUT, 100, 100)], [SQUARE])).all()


def test_equal_buildings_have_no_error_wherever_their_vertices_begin():
    turned = [shapely.normalize(shape) for shape in SHAPES]
    for measure, value in (polygon_iou, 1), (complexity_iou, 1), (polis, 0), (hausdorff, 0), (tangent_angle, 0):
        assert measure(turned, SHAPES) == pytest.approx(np.full(len(SHAPES), value), abs=1e-9)
    assert boundary_iou(turned, SHAPES, 1.5) == pytest.approx(np.ones(len(SHAPES)))


@pytest.mark.parametrize("measure", SYMMETRIC)
def test_symmetric(measure):
    others = SHAPES[1:] + SHAPES[:1]
    assert measure(SHAPES, others) == pytest.approx(measure(others, SHAPES))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    "move",
    [lambda s: translate(s, 600_000.25, 5_400_000.5), lambda s: rotate(s, 90, (3, 4)), lambda s: rotate(s, 33, (3, 4))],
    ids=["translation", "quarter turn", "rotation"],
)
def test_the_place_and_the_direction_on_the_map_do_not_matter(measure, move):
    others = SHAPES[1:] + SHAPES[:1]
    moved = [move(shape) for shape in SHAPES], [move(shape) for shape in others]
    if measure is not tangent_angle:  # a point halfway between two walls is projected onto either, by rounding
        assert measure(*moved) == pytest.approx(measure(SHAPES, others), rel=1e-3)  # rounded corners of the bands
    assert measure(moved[0], moved[0]) == pytest.approx(measure(SHAPES, SHAPES), abs=1e-5)


@pytest.mark.parametrize("measure", [polygon_iou, hausdorff, complexity_iou, lambda p, r: boundary_iou(p, r, 1.5)])
def test_more_vertices_on_straight_walls_do_not_matter(measure):
    others, dense = SHAPES[1:] + SHAPES[:1], [shapely.segmentize(shape, 2.5) for shape in SHAPES]
    assert measure(dense, others) == pytest.approx(measure(SHAPES, others))


def test_polis_weights_vertices():
    assert polis([shapely.segmentize(SHIFTED, 5)], [SQUARE]) == pytest.approx([(4 / 8 + 2 / 4) / 2])


@pytest.mark.parametrize(("measure", "power"), [(polis, 1), (hausdorff, 1), (polygon_iou, 0), (complexity_iou, 0)])
def test_distances_are_in_metres(measure, power):
    big = [scale(shape, 3, 3, origin=(0, 0)) for shape in (SHIFTED, L_SHAPE, SQUARE, COURT)]
    assert measure(big[:2], big[2:]) == pytest.approx(3**power * measure([SHIFTED, L_SHAPE], [SQUARE, COURT]))


def test_all_measures_in_one_table():
    frame = geopandas.GeoDataFrame(geometry=SHAPES, crs="EPSG:25832", index=range(10, 16))
    others = SHAPES[1:] + SHAPES[:1]
    found = shape_measures(frame, others, boundary_m=1.5)
    assert found.polygon_iou.tolist() == polygon_iou(SHAPES, others).tolist()
    assert found.complexity_iou.tolist() == complexity_iou(SHAPES, others).tolist()
    assert found.polis_m.tolist() == polis(SHAPES, others).tolist()
    assert found.reference_corners.tolist() == corners(others).tolist()
    assert len(shape_measures([], [], boundary_m=1.5)) == 0


def test_what_cannot_be_compared_is_an_error():
    with pytest.raises(DataError, match="1 predicted and 2 reference buildings are not pairs"):
        polis([SQUARE], [SQUARE, SQUARE])
    with pytest.raises(DataError, match="predicted building 0 is not a valid polygon"):
        hausdorff([Polygon()], [SQUARE])
    with pytest.raises(DataError, match="boundary_m"):
        boundary_iou([SQUARE], [SQUARE], 0)
    with pytest.raises(DataError, match="spacing_m"):
        tangent_angle([SQUARE], [SQUARE], float("nan"))

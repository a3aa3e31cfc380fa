"""Roofs have the shape of their name, and layouts have streets with houses on parcels next to them."""

import numpy as np
import pytest
import shapely

from img2height.scenes.city import CitySettings
from img2height.scenes.city.buildings import Limits, Part, gable, hall, house, slab, tower
from img2height.scenes.city.geometry import Frame
from img2height.scenes.city.layout import draw_layout
from img2height.scenes.city.site import lots

EAST = Frame(0.0, 0.0, 1.0, 0.0)


def _at(part, *points):
    return part.heights(*np.array(points, float).T)


def test_gable_rises_from_both_long_sides_to_the_ridge():
    roof = gable(EAST, length=12, width=8, eaves_m=5, pitch=0.5)
    assert _at(roof, (0, 4), (0, -4), (5, 0), (-5, 0), (0, 2)) == pytest.approx([5, 5, 7, 7, 6])


def test_hip_rises_from_all_sides():
    roof = Part(EAST.rectangle(-6, 6, -4, 4), "hipped", 5.0, pitch=0.5)
    assert _at(roof, (-6, 0), (0, 4), (0, 0), (-5, 0)) == pytest.approx([5, 5, 7, 5.5])


def test_shed_rises_from_one_side():
    roof = Part(EAST.rectangle(-6, 6, -4, 4), "shed", 5.0, 0.25, EAST, 4.0)
    assert _at(roof, (0, -4), (0, 4)) == pytest.approx([5, 7])


@pytest.mark.parametrize("make", [house, slab, tower, hall])
def test_designs_keep_to_the_limits_and_their_footprint(make):
    limits = Limits(4.0, 30.0)
    wanted = (25.0,) if make in (slab, tower) else ()
    for seed in range(40):
        design = make(EAST, 24.0, 14.0, *wanted, limits, np.random.default_rng(seed))
        for part in design.parts:
            assert design.footprint.buffer(1e-6).contains(part.polygon)
            heights = part.heights(*shapely.get_coordinates(shapely.segmentize(part.polygon, 0.5)).T)
            assert heights.min() >= 3.99 and heights.max() <= 30.01


def test_streets_are_connected_and_blocks_lie_between_them():
    layout = draw_layout(CitySettings(seed=3, water=False), np.random.default_rng(3))
    network = shapely.union_all([street.corridor for street in layout.streets])
    assert network.geom_type == "Polygon"
    blocks = shapely.union_all([block.polygon for block in layout.blocks])
    assert blocks.intersection(network).area < 1.0
    assert blocks.area == pytest.approx(sum(block.polygon.area for block in layout.blocks), rel=1e-6)


def test_parcels_share_a_block_without_overlap_and_front_its_edge():
    block = Frame(50, 50, 0.8, 0.6).rectangle(-60, 60, -32, 32)
    parcels = lots(block, 20, np.random.default_rng(0))
    assert len(parcels) == 12
    assert sum(lot.polygon.area for lot in parcels) == pytest.approx(block.area, rel=1e-6)
    assert all(shapely.Point(lot.front.x, lot.front.y).distance(block.boundary) < 0.5 for lot in parcels)
    assert all(block.contains(shapely.Point(lot.front.point(0, 5))) for lot in parcels)

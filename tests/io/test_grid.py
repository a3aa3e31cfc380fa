from dataclasses import replace

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.grid import Grid, blocks

UTM = CRS.from_epsg(32633)
GRID = Grid.north_up(UTM, 500_000, 5_800_000, 0.5, (60, 100))
TURNED = replace(GRID, transform=GRID.transform @ Affine.rotation(30))
FEET = Grid.north_up(CRS.from_epsg(2264), 1_500_000, 500_000, 2.0, (10, 10))


def test_sizes_are_in_metres_for_any_map_unit_and_rotation() -> None:
    assert (GRID.gsd_m, GRID.pixel_m, GRID.shape) == (0.5, (0.5, 0.5), (60, 100))
    assert TURNED.gsd_m == pytest.approx(0.5)
    assert TURNED.pixel_m == pytest.approx((0.5, 0.5))
    assert FEET.gsd_m == pytest.approx(2 * 1200 / 3937)
    stretched = replace(GRID, transform=Affine(1, 0, 0, 0, -4, 0))
    assert (stretched.gsd_m, stretched.pixel_m) == (2, (1, 4))


def test_bounds_contain_all_corners() -> None:
    assert GRID.bounds == (500_000, 5_799_970, 500_050, 5_800_000)
    assert shapely.box(*TURNED.bounds).buffer(1e-6).covers(TURNED.to_map(TURNED.extent))
    assert GRID.is_north_up
    assert not TURNED.is_north_up


@pytest.mark.parametrize("grid", [GRID, TURNED])
def test_pixel_and_map_coordinates_are_inverse(grid: Grid) -> None:
    areas = np.array([shapely.box(3, 4, 10, 8), shapely.Point(0, 0)])
    there = grid.from_map(grid.to_map(areas))
    assert shapely.equals_exact(there, areas, 1e-6).all()


def test_a_crop_keeps_its_position() -> None:
    window = Window(20, 10, 30, 25)
    part = TURNED.crop(window)
    assert part.shape == (25, 30)
    here = TURNED.to_map(shapely.box(20, 10, 50, 35))
    assert shapely.equals_exact(part.to_map(part.extent), here, 1e-6)
    assert GRID.moved(3, -2).bounds == (500_003, 5_799_968, 500_053, 5_799_998)
    assert GRID.coarser(8) == Grid.north_up(UTM, 500_000, 5_800_000, 4.0, (7, 12))


def test_a_margin_ends_where_the_grid_ends() -> None:
    wide, inside = GRID.around(Window(10, 0, 20, 60), 15)
    assert wide == Window(0, 0, 45, 60)
    assert inside == (slice(0, 60), slice(10, 30))
    assert GRID.clip(Window(200, 0, 5, 5)).width == 0
    assert GRID.clip(Window(-5, 50, 10, 20)) == Window(0, 50, 5, 10)


def test_the_window_of_a_box_has_whole_pixels() -> None:
    assert GRID.window_of((500_001.2, 5_799_990.0, 500_002.0, 5_800_003.0)) == Window(2, -6, 2, 26)


@given(st.integers(0, 90), st.integers(0, 90), st.integers(1, 80), st.integers(1, 80), st.integers(1, 40))
def test_blocks_cover_each_pixel_once(left: int, top: int, width: int, height: int, side: int) -> None:
    seen = np.zeros((200, 200), int)
    for block in blocks(Window(left, top, width, height), side):
        seen[block.toslices()] += 1
    assert (seen[top : top + height, left : left + width] == 1).all()
    assert seen.sum() == width * height


def test_grids_match_to_a_hundredth_of_a_pixel() -> None:
    for move, same in ((1e-9, True), (0.004, True), (0.006, False), (0.5, False)):  # metres; a pixel has half of one
        assert GRID.matches(GRID.moved(move, 0)) == same
    wider = replace(GRID, transform=GRID.transform @ Affine.scale(1.0002, 1))  # 0.02 pixels at the far edge
    others = [wider, replace(GRID, width=99), replace(GRID, crs=CRS.from_epsg(32632))]
    assert not any(GRID.matches(other) for other in others)
    with pytest.raises(DataError, match=r"heights and image are on different grids.*32633.*32632"):
        GRID.require(others[-1], "heights", "image")


def test_pixels_coincide_only_after_whole_steps() -> None:
    assert GRID.aligned_with(GRID.moved(7.5, -100))
    assert GRID.aligned_with(replace(GRID.moved(1, 1), width=3))
    for other in (GRID.moved(0.25, 0), GRID.coarser(2), TURNED, replace(GRID, crs=CRS.from_epsg(32632))):
        assert not GRID.aligned_with(other)


def test_areas_are_seen_from_another_grid() -> None:
    other = Grid.north_up(UTM, 499_990, 5_800_010, 0.25, (400, 400))
    assert GRID.seen_from(other, shapely.box(0, 0, 2, 4)).bounds == (40, 40, 44, 48)


def test_an_area_keeps_its_size_in_another_zone() -> None:
    grid = Grid.north_up(UTM, 500_000, 5_800_000, 1.0, (1000, 2000))
    there = grid.to_crs(grid.extent, "EPSG:32632")
    assert abs(there.area / 2e6 - 1) < 0.01  # the zones differ in scale, 500 km from the meridian


def test_a_grid_survives_json() -> None:
    assert Grid.from_json(TURNED.to_json()) == TURNED

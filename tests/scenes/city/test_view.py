"""Off nadir, roofs lean by their height times the tangent of the angle, and hide what lies behind them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from img2height.scenes.city import CitySettings, generate
from img2height.scenes.city.geometry import direction
from img2height.scenes.city.model import Material
from img2height.scenes.city.optical import render
from img2height.scenes.city.view import Sight, line_of_sight, occluded

SIZE = 160


def _one_building(height_m, **view):
    """A square house of 20 m, on flat bare ground."""
    city = generate(CitySettings(size_px=SIZE, seed=0, noise=0.0, relief_m=0.0, **view))
    shape = (SIZE, SIZE)
    house = np.zeros(shape, bool)
    house[60:100, 60:100] = True
    ndsm = np.where(house, height_m, 0).astype(np.float32)
    return replace(
        city, dsm=ndsm + 100, dtm=np.full(shape, 100, np.float32), ndsm=ndsm,
        building=house.astype(np.uint8), building_id=house.astype(np.int32), instance=house.astype(np.int32),
        material=np.where(house, Material.MEMBRANE, Material.BITUMEN).astype(np.uint8), water=np.zeros(shape, bool),
    )  # fmt: skip


def _seen(city, surface=None):
    sight = Sight(city.settings.off_nadir_deg, city.settings.off_nadir_azimuth_deg)
    return line_of_sight(city, sight, city.dtm if surface is None else surface)


@pytest.mark.parametrize("off_nadir", [5, 15, 30])
@pytest.mark.parametrize("azimuth", [0, 90, 135, 200, 300])
def test_roofs_lean_by_height_times_tangent(off_nadir, azimuth):
    height = 18.0
    city = _one_building(height, off_nadir_deg=off_nadir, off_nadir_azimuth_deg=azimuth)
    view = _seen(city)
    roof = (city.building[view.roof] > 0) & ~view.wall
    right, down = direction(azimuth)
    shift_px = height * np.tan(np.radians(off_nadir)) / 0.5
    # The two sides of the roof that walls do not touch keep its shape: their outermost pixels show the shift.
    rows, cols = np.nonzero(roof)
    seen = (
        (cols.min() if right > 0 else cols.max()) - (60 if right > 0 else 99),
        (rows.min() if down > 0 else rows.max()) - (60 if down > 0 else 99),
    )
    assert seen[0] == pytest.approx(-shift_px * right, abs=1.01)
    assert seen[1] == pytest.approx(-shift_px * down, abs=1.01)


def test_walls_are_seen_on_the_side_of_the_sensor():
    view = _seen(_one_building(20, off_nadir_deg=25, off_nadir_azimuth_deg=90))
    rows, cols = np.nonzero(view.wall)
    assert rows.min() >= 59 and rows.max() <= 100
    assert abs(cols.max() - 99) <= 1
    assert view.above_m[80, 97] < view.above_m[80, 85]


def test_walls_rise_steadily_from_the_ground_to_the_eaves():
    city = _one_building(20, off_nadir_deg=25, off_nadir_azimuth_deg=90)
    view = _seen(city)
    wall = np.flatnonzero(view.wall[80])
    assert np.diff(view.above_m[80, wall]) == pytest.approx(-0.5 / np.tan(np.radians(25)), abs=0.1)


def test_occlusion_has_the_length_of_the_lean():
    city = _one_building(20)
    hidden = occluded(city, Sight(30, 90))
    assert hidden[80, :60].sum() == pytest.approx(20 * np.tan(np.radians(30)) / 0.5, abs=1.0)
    assert not hidden[80, 60:].any()
    assert not occluded(city, Sight(0, 90)).any()


@pytest.mark.parametrize(("off_nadir", "azimuth"), [(18, 10), (24, 260), (30, 45), (3, 90)])
@pytest.mark.parametrize("error", [-6.0, -0.3, 0.0, 0.7, 9.0])
def test_an_error_of_the_surface_moves_the_image_by_error_times_tangent(off_nadir, azimuth, error):
    city = _one_building(12, off_nadir_deg=off_nadir, off_nadir_azimuth_deg=azimuth)
    view = _seen(city, city.dtm + np.float32(error))
    right, down = direction(azimuth)
    shift_px = error * np.tan(np.radians(off_nadir)) / 0.5
    # Towards the south-east of the house, far from what leans over it.
    place = (145, 145) if azimuth < 180 else (145, 30)
    assert view.rows[place] - place[0] == pytest.approx(-shift_px * down, abs=0.01)
    assert view.cols[place] - place[1] == pytest.approx(-shift_px * right, abs=0.01)


@settings(max_examples=20, deadline=None)
@given(off_nadir=st.floats(0.5, 40), azimuth=st.floats(0, 359), seed=st.integers(0, 99))
def test_every_line_of_sight_ends_at_its_first_intersection_with_the_surface(off_nadir, azimuth, seed):
    city = _one_building(10)
    rng = np.random.default_rng(seed)
    bumpy = city.dsm + 3 * ndimage.gaussian_filter(rng.standard_normal(city.dsm.shape, np.float32), 3)
    city = replace(city, dsm=bumpy)
    start = bumpy + rng.uniform(-3, 3)
    sight = Sight(off_nadir, azimuth)
    view = line_of_sight(city, sight, start)
    rows, cols = np.indices(bumpy.shape)
    longer = max(abs(sight.lean))
    axis, place, lean = (view.cols, cols, sight.lean[0]) if abs(sight.lean[0]) == longer else (
        view.rows, rows, sight.lean[1])  # fmt: skip
    height = start + (axis - place) * 0.5 / lean
    inside = np.s_[40:120, 40:120]  # nothing that the border cuts off

    def surface(above_m):
        along = [view.rows + above_m * sight.lean[1] / 0.5, view.cols + above_m * sight.lean[0] / 0.5]
        return ndimage.map_coordinates(bumpy, along, order=1, mode="nearest")[inside]

    # A step of one pixel sees bilinear ground as straight in between: the house has walls, the bumps are smooth.
    gentle = np.abs(surface(0.0) - ndimage.gaussian_filter(bumpy, 1)[inside]) < 0.5
    assert np.quantile(np.abs(surface(0.0) - height[inside])[gentle & ~view.wall[inside]], 0.95) < 0.1
    for above_m in (0.5, 2.0, 7.0):
        assert (surface(above_m) > (height + above_m)[inside] + 0.5).mean() < 0.01


@pytest.mark.parametrize("azimuth", [20, 110, 250])
def test_the_true_surface_shows_each_place_where_it_is_unless_it_is_hidden(azimuth):
    city = _one_building(15)
    sight = Sight(25, azimuth)
    view = line_of_sight(city, sight, city.dsm)
    rows, cols = np.indices(city.dsm.shape)
    moved = np.hypot(view.rows - rows, view.cols - cols) > 0.01
    hidden = occluded(city, sight)
    assert hidden.sum() > 300
    # The border of what is hidden is exact to a pixel.
    assert not moved[~ndimage.binary_dilation(hidden, iterations=2)].any()
    assert moved[ndimage.binary_erosion(hidden, iterations=2)].all()


def test_nadir_is_the_limit_of_small_angles():
    city = _one_building(15)
    steep = replace(city, settings=city.settings.model_copy(update={"off_nadir_deg": 0.5}))
    assert np.abs(render(city).astype(int) - render(steep)).mean() < 0.5


def test_a_leaning_image_shows_bright_sunny_walls():
    low_sun = {"off_nadir_deg": 30, "sun_elevation_deg": 35}
    sunny = _one_building(25, off_nadir_azimuth_deg=180, sun_azimuth_deg=180, **low_sun)
    shady = _one_building(25, off_nadir_azimuth_deg=180, sun_azimuth_deg=0, **low_sun)
    wall = _seen(sunny).wall
    assert wall.sum() > 300
    assert render(sunny)[1][wall].mean() > 1.5 * render(shady)[1][wall].mean()

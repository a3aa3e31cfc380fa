"""Off nadir, roofs lean by their height times the tangent of the angle, and hide what lies behind them."""

from dataclasses import replace

import numpy as np
import pytest

from img2height.scenes.city import CitySettings, generate
from img2height.scenes.city_geometry import direction
from img2height.scenes.city_model import Material
from img2height.scenes.city_optical import render
from img2height.scenes.city_view import line_of_sight, occluded

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


@pytest.mark.parametrize("off_nadir", [5, 15, 30])
@pytest.mark.parametrize("azimuth", [0, 90, 135, 200, 300])
def test_roofs_lean_by_height_times_tangent(off_nadir, azimuth):
    height = 18.0
    city = _one_building(height, off_nadir_deg=off_nadir, off_nadir_azimuth_deg=azimuth)
    view = line_of_sight(city)
    roof = (city.building[view.rows, view.cols] > 0) & ~view.wall
    right, down = direction(azimuth)
    shift_px = height * np.tan(np.radians(off_nadir)) / 0.5
    # The two sides of the roof that walls do not touch keep its shape: their outermost pixels tell the shift.
    rows, cols = np.nonzero(roof)
    seen = (
        (cols.min() if right > 0 else cols.max()) - (60 if right > 0 else 99),
        (rows.min() if down > 0 else rows.max()) - (60 if down > 0 else 99),
    )
    assert seen[0] == pytest.approx(-shift_px * right, abs=1.01)
    assert seen[1] == pytest.approx(-shift_px * down, abs=1.01)


def test_walls_are_seen_on_the_side_of_the_sensor():
    view = line_of_sight(_one_building(20, off_nadir_deg=25, off_nadir_azimuth_deg=90))
    rows, cols = np.nonzero(view.wall)
    assert rows.min() >= 59 and rows.max() <= 100
    assert abs(cols.max() - 99) <= 1
    assert view.above_m[80, 97] < view.above_m[80, 85]


def test_occlusion_has_the_length_of_the_lean():
    hidden = occluded(_one_building(20, off_nadir_deg=30, off_nadir_azimuth_deg=90))
    assert hidden[80, :60].sum() == pytest.approx(20 * np.tan(np.radians(30)) / 0.5, abs=1.0)
    assert not hidden[80, 60:].any()
    assert not occluded(_one_building(20)).any()


def test_nadir_is_the_limit_of_small_angles():
    city = _one_building(15)
    steep = replace(city, settings=city.settings.model_copy(update={"off_nadir_deg": 0.5}))
    assert np.abs(render(city).astype(int) - render(steep)).mean() < 0.5


def test_a_leaning_image_shows_bright_sunny_walls():
    settings = {"off_nadir_deg": 30, "sun_elevation_deg": 35}
    sunny = _one_building(25, off_nadir_azimuth_deg=180, sun_azimuth_deg=180, **settings)
    shady = _one_building(25, off_nadir_azimuth_deg=180, sun_azimuth_deg=0, **settings)
    wall = line_of_sight(sunny).wall
    assert wall.sum() > 300
    assert render(sunny)[1][wall].mean() > 1.5 * render(shady)[1][wall].mean()

"""The displacement of an image from the heights: measured where it is known, undone, recorded, or refused."""

import numpy as np
import pytest
import rasterio
from raw_cases import deliver, prepare_file, write
from scipy.ndimage import map_coordinates

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.scenes import displacement, registration
from img2height.scenes.city import CitySettings, generate
from img2height.scenes.city.optical import render
from img2height.scenes.displacement import Displacement, measure, move_back

SIDE = 512
NAMES = ["red", "green", "blue"]


@pytest.fixture(scope="module")
def city():
    made = generate(CitySettings(size_px=SIDE, seed=5, sun_elevation_deg=70))
    return render(made)[:3], made.ndsm.astype(np.float32)


def measured(tmp_path, model, image, heights):
    write(tmp_path / "eo.tif", image)
    write(tmp_path / "ndsm.tif", heights)
    with rasterio.open(tmp_path / "eo.tif") as eo, rasterio.open(tmp_path / "ndsm.tif") as ndsm:
        return measure(model, eo, ndsm, Grid.of(eo))


def displaced(image: np.ndarray, east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Return an image whose content lies so many pixels east and north of where it was."""
    rows, columns = np.indices(image.shape[1:])
    return np.stack([map_coordinates(band, [rows + north, columns - east], order=1, mode="nearest") for band in image])


def test_a_field_is_found_and_undone(tmp_path, city, monkeypatch):
    for module in (registration, displacement):
        monkeypatch.setattr(module, "WINDOW_PX", 128)
    image, heights = city
    rows, columns = np.indices((SIDE, SIDE)) / SIDE
    east, north = 1 + 3 * columns, 2 - 3 * rows  # metres, pixels of 1 m
    still = measured(tmp_path, "field", image, heights)
    moved = measured(tmp_path, "field", displaced(image, east, north), heights)
    with rasterio.open(tmp_path / "eo.tif") as raster:
        grid = Grid.of(raster)
    window = next(grid.blocks())
    added = moved.at(window, 1.0) - still.at(window, 1.0)
    inside = np.s_[64:-64, 64:-64]
    assert np.abs(added[0] + north)[inside].max() < 1.0
    assert np.abs(added[1] - east)[inside].max() < 1.0
    assert np.abs(np.stack([added[0] + north, added[1] - east])[:, 64:-64, 64:-64]).mean() < 0.4
    move_back(tmp_path / "eo.tif", grid, moved)
    with rasterio.open(tmp_path / "eo.tif") as eo, rasterio.open(tmp_path / "ndsm.tif") as ndsm:
        left = registration.estimate_offset(eo, ndsm, 1.0)
    assert np.hypot(left.east_m, left.north_m) < 0.5


def test_whole_pixels_are_copied_and_missing_ones_are_not_mixed_in(tmp_path):
    image = np.random.default_rng(0).integers(1, 255, (3, 600, 520), dtype=np.uint8)
    image[:, 100:130, 200:300] = 0
    write(tmp_path / "eo.tif", image, nodata=0, names=NAMES)
    with rasterio.open(tmp_path / "eo.tif") as raster:
        grid = Grid.of(raster)
    one = np.array([1.0])
    move_back(tmp_path / "eo.tif", grid, Displacement(one, one, *(np.array([[v]]) for v in (3.0, -2.0, 2.0))))
    with rasterio.open(tmp_path / "eo.tif") as raster:
        found, valid = raster.read(), raster.dataset_mask() > 0
        assert raster.descriptions == tuple(NAMES)
    assert (found[:, :-2, :-3] == image[:, 2:, 3:]).all()
    assert (valid[:-2, :-3] == (image[0, 2:, 3:] > 0)).all()
    assert not valid[-2:].any()
    flat = np.where(image > 0, 100, 0).astype(np.uint8)
    write(tmp_path / "flat.tif", flat, nodata=0)
    move_back(tmp_path / "flat.tif", grid, Displacement(one, one, *(np.array([[v]]) for v in (0.4, 0.3, 2.0))))
    with rasterio.open(tmp_path / "flat.tif") as raster:
        assert (raster.read()[:, raster.dataset_mask() > 0] == 100).all()


def test_a_scene_is_registered_and_says_so(tmp_path, city):
    image, heights = city
    layers = deliver(tmp_path / "raw")
    write(tmp_path / "raw/eo.tif", np.roll(image, (-3, 4), axis=(1, 2)), names=NAMES)
    write(tmp_path / "raw/ndsm.tif", heights, unit="metre")
    kept = {"eo": layers["eo"], "ndsm": {"path": "ndsm.tif"}}
    scene = prepare_file(tmp_path, {"layers": kept, "registration": "shift"})
    found = scene.layers["eo"].applied["registration"]
    assert found["model"] == "shift"
    assert (found["east_m"], found["north_m"]) == (pytest.approx(4, abs=1.3), pytest.approx(3, abs=1.3))
    assert "registration" not in prepare_file(tmp_path, {"layers": kept}).layers["eo"].applied


def test_an_offset_that_cannot_be_measured_is_refused(tmp_path):
    layers = deliver(tmp_path / "raw")
    with pytest.raises(DataError, match="cannot be measured here"):
        prepare_file(tmp_path, {"layers": layers, "registration": "field"})
    del layers["dsm"]
    with pytest.raises(ValueError, match="registration: needs"):
        prepare_file(tmp_path, {"layers": layers, "registration": "shift"})

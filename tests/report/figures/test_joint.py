"""The joint histogram of reference and predicted heights."""

from pathlib import Path

import numpy as np
import pytest
from rasterio.windows import Window
from shapely.geometry import box

from img2height.io.rasters import height_band, open_raster, read_heights, write_cog
from img2height.report.figures.crop import read_prediction, read_view
from img2height.report.figures.joint import BIN_M, RANGE_M, joint_histogram
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import NODATA


@pytest.fixture
def two_metres(tmp_path: Path, houses: Scene) -> Path:
    write_cog(
        tmp_path / "h.tif", np.full(houses.grid.shape, 2, np.float32), houses.grid, [height_band("ndsm")], nodata=NODATA
    )
    return tmp_path / "h.tif"


def test_joint_histogram_counts_each_pixel_once_in_its_bin(houses: Scene, two_metres: Path):
    joint = joint_histogram(houses, box(0, 0, 300, 280), two_metres)
    place = {height: int((height - RANGE_M[0]) / BIN_M) for height in (2.0, 24.0)}
    assert joint.sum() == 300 * 280 - 400
    assert joint[place[24.0], place[2.0]] == 3000
    assert joint[:, place[2.0]].sum() == joint.sum()


def test_two_halves_are_the_whole(houses: Scene, two_metres: Path):
    west, east = (joint_histogram(houses, box(x, 0, x + 150, 280), two_metres) for x in (0, 150))
    assert np.array_equal(west + east, joint_histogram(houses, box(0, 0, 300, 280), two_metres))


def test_building_heights_are_counted_against_those_of_reference_buildings(houses: Scene, tmp_path: Path):
    path = tmp_path / "b.tif"
    write_cog(
        path, np.zeros(houses.grid.shape, np.float32), houses.grid, [height_band("building_height")], nodata=NODATA
    )
    area = box(0, 0, 300, 280)
    joint = joint_histogram(houses, area, path)
    with open_raster(houses.path("building")) as mask, open_raster(houses.path("ndsm")) as heights:
        there = (mask.read(1) == 1)[:280, :300] & (read_heights(heights)[:280, :300] > 1)
    high = int((1 - RANGE_M[0]) / BIN_M)
    assert joint[high:].sum() == there.sum() > 0
    view, predicted = read_prediction(path, houses, read_view(houses, area, Window(0, 0, 300, 280), 300))
    assert ((view.reference > 1).sum(), np.abs(predicted).max()) == (there.sum(), 0)

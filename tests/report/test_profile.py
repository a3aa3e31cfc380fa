"""Predicted against true height, block by block."""

from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import box

from img2height.rasters import NODATA, height_band, write_cog
from img2height.report.profile import BIN_M, RANGE_M, height_profile
from img2height.scenes.scene import Scene


@pytest.fixture
def two_metres(tmp_path: Path, houses: Scene) -> Path:
    write_cog(
        tmp_path / "h.tif", np.full(houses.grid.shape, 2, np.float32), houses.grid, [height_band("ndsm")], nodata=NODATA
    )
    return tmp_path / "h.tif"


def test_classes_have_the_known_errors(houses: Scene, two_metres: Path):
    table = height_profile(houses, box(0, 0, 300, 280), two_metres).table().set_index("height")
    assert table.index.tolist() == ["up to 3 m", "3 to 10 m", "20 to 50 m"]
    houses_px = {6.0: 30 * 40, 9.0: 30 * 40, 24.0: 50 * 60}
    assert table.pixels.tolist() == [300 * 280 - 400 - sum(houses_px.values()), 2400, 3000]
    assert table.bias_m.tolist() == pytest.approx([2.0, -5.5, -22.0])
    assert table.mae_m.tolist() == pytest.approx([2.0, 5.5, 22.0])


def test_joint_histogram_counts_each_pixel_once_where_it_belongs(houses: Scene, two_metres: Path):
    joint = height_profile(houses, box(0, 0, 300, 280), two_metres).joint
    place = {height: int((height - RANGE_M[0]) / BIN_M) for height in (2.0, 24.0)}
    assert joint.sum() == 300 * 280 - 400
    assert joint[place[24.0], place[2.0]] == 3000
    assert joint[:, place[2.0]].sum() == joint.sum()


def test_two_halves_are_the_whole(houses: Scene, two_metres: Path):
    west, east = (height_profile(houses, box(x, 0, x + 150, 280), two_metres) for x in (0, 150))
    whole = height_profile(houses, box(0, 0, 300, 280), two_metres)
    assert np.array_equal((west + east).joint, whole.joint)
    assert (west + east).table().equals(whole.table())

"""The terrain below a surface model: buildings and trees go, slopes stay, and blocks do not show."""

import numpy as np
import pytest
from raw_cases import SIDE, deliver, prepare_file, write
from raw_cases import band as read
from scipy import ndimage

from img2height.scenes import ground
from img2height.scenes.ground import low_heights
from img2height.scenes.ground_cells import ground_cells
from img2height.settings.ground import GroundFilter


def slope(shape: tuple[int, int], rise: float) -> np.ndarray:
    rows, columns = np.indices(shape)
    return (200 + rise * columns + 0.02 * rows).astype(np.float32)


@pytest.mark.parametrize("rise", [0.0, 0.1])
def test_houses_are_not_ground_and_slopes_are(rise: float) -> None:
    heights = slope((150, 200), rise)
    houses = np.zeros(heights.shape, bool)
    houses[20:40, 30:70] = houses[90:96, 100:106] = houses[60:140, 150:190] = True
    found = ground_cells(np.where(houses, heights + 6, heights), 1.0, GroundFilter())
    assert not found[houses].any()
    assert found[~houses].mean() > 0.95


@pytest.mark.parametrize("rise", [0.0, 0.1, 0.2, 0.3])
@pytest.mark.parametrize(
    "place", [np.s_[:, :30], np.s_[:, -30:], np.s_[:30], np.s_[-20:, -20:], np.s_[100:220, :12], np.s_[:, :3]]
)
def test_what_stands_at_the_border_is_not_ground(rise: float, place: tuple[slice, ...]) -> None:
    heights = slope((240, 240), rise)
    stands = np.zeros(heights.shape, bool)
    stands[place] = True
    found = ground_cells(np.where(stands, heights + 10, heights), 1.0, GroundFilter())
    assert not found[stands].any()
    assert found[~stands].mean() > 0.99


@pytest.mark.parametrize("rise", [0.1, 0.3, 0.5])
def test_a_slope_is_ground_up_to_the_border(rise: float) -> None:
    assert ground_cells(slope((240, 240), rise), 1.0, GroundFilter()).mean() > 0.99


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3)])
def test_tiny_scenes_are_ground(shape: tuple[int, int]) -> None:
    assert ground_cells(slope(shape, 0.1), 1.0, GroundFilter()).all()


@pytest.mark.parametrize("rise", [-0.2, 0.0, 0.2])
def test_what_stands_beside_missing_cells_is_not_ground(rise: float) -> None:
    heights = slope((240, 240), rise)
    heights[:, 150:170] += 10
    heights[:, 170:] = np.nan
    found = ground_cells(heights, 1.0, GroundFilter())
    assert found[:, :150].all()
    assert not found[:, 150:].any()


def test_hills_are_ground() -> None:
    rows, columns = np.indices((240, 240))
    heights = 200 + 15 * np.cos(rows / 80) * np.cos(columns / 60)  # slopes up to 0.25
    houses = (rows % 60 < 15) & (columns % 40 < 15)
    found = ground_cells(np.where(houses, heights + 8, heights).astype(np.float32), 1.0, GroundFilter())
    assert found[~houses].mean() > 0.99
    assert not found[houses].any()


def test_a_building_wider_than_the_window_is_terrain() -> None:
    heights = np.zeros((150, 150), np.float32)
    heights[20:130, 20:130] = 6
    assert ground_cells(heights, 1.0, GroundFilter(window_m=60))[60:90, 60:90].all()
    assert not ground_cells(heights, 1.0, GroundFilter(window_m=120))[60:90, 60:90].any()


PITS = np.add.outer(np.arange(240) % 32 == 7, np.arange(240) % 24 == 5, dtype=int) == 2  # 0.14 % of the cells


@pytest.mark.parametrize("rise", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("side", [1, 3])
def test_pits_are_not_ground_and_lower_nothing(rise: float, side: int) -> None:
    heights, pits = slope(PITS.shape, rise), ndimage.binary_dilation(PITS, np.ones((side, side)))
    found = ground_cells(np.where(pits, heights - 5, heights), 1.0, GroundFilter())
    assert found[~pits].mean() > 0.99
    assert not found[pits].any()


def test_gaps_between_trees_show_the_ground() -> None:
    terrain, gaps = slope(PITS.shape, 0.05), ndimage.binary_dilation(PITS, np.ones((2, 2)))
    trees = np.random.default_rng(1).normal(15, 2, PITS.shape).astype(np.float32)
    found = ground_cells(np.where(gaps, terrain, terrain + trees), 1.0, GroundFilter())
    assert found[gaps].mean() > 0.95
    assert found[~gaps].mean() < 0.01


@pytest.mark.parametrize("depth", [1.5, 10.0])
def test_ditches_and_alleys_are_no_pits(depth: float) -> None:
    low = np.arange(240) % 40 < 2
    heights = np.where(low, 0, np.full((240, 240), depth)).astype(np.float32)
    assert ground_cells(heights, 1.0, GroundFilter())[:, low].all()


def test_missing_cells_are_not_ground_and_change_nothing_else() -> None:
    heights = slope((60, 60), 0.05)
    heights[10:20, 10:20] += 5
    holed = heights.copy()
    holed[40:50, 30:40] = np.nan
    whole, found = (ground_cells(array, 1.0, GroundFilter(window_m=20)) for array in (heights, holed))
    assert not found[40:50, 30:40].any()
    whole[40:50, 30:40] = False
    assert (found == whole).all()
    assert not ground_cells(np.full((5, 5), np.nan, np.float32), 1.0, GroundFilter()).any()


def test_the_low_height_of_a_cell_is_a_tenth_quantile() -> None:
    heights = np.arange(16, dtype=np.float32).reshape(4, 4)
    heights[0, 0] = np.nan
    assert low_heights(heights, 4).tolist() == [[2.0]]  # of 15 numbers from 1: the second
    assert low_heights(np.arange(30, dtype=np.float32)[None], 20).tolist() == [[1.0, 20.0]]
    assert np.isnan(low_heights(np.full((3, 3), np.nan, np.float32), 2)).all()


@pytest.mark.parametrize("gsd", [0.5, 1.0])
def test_a_scene_without_terrain_model_gets_heights_above_ground(tmp_path, monkeypatch, gsd: float) -> None:
    monkeypatch.setattr(ground, "BLOCK_CELLS", 24)
    layers = deliver(tmp_path / "raw")
    terrain = slope((SIDE, SIDE), 0.05)
    houses = np.zeros((SIDE, SIDE), bool)
    houses[10:20, 12:30] = houses[40:48, 44:52] = True
    write(tmp_path / "raw/dsm.tif", np.where(houses, terrain + 7, terrain), gsd=gsd, unit="metre")
    write(tmp_path / "raw/eo.tif", np.ones((3, SIDE, SIDE), np.uint8), gsd=gsd, names=["red", "green", "blue"])
    kept = {name: layers[name] for name in ("eo", "dsm")}
    scene = prepare_file(tmp_path, {"layers": kept, "ground_filter": {"window_m": 22}})
    assert np.abs(read(scene, "dtm") - terrain).max() < 0.2
    assert np.allclose(read(scene, "ndsm")[houses], 7, atol=0.2)
    assert np.abs(read(scene, "ndsm")[~houses]).max() < 0.2
    assert (read(scene, "dtm_filled") == houses).all()


def test_blocks_do_not_show(tmp_path, monkeypatch) -> None:
    rng = np.random.default_rng(1)
    heights = slope((SIDE, SIDE), 0.03) + np.kron(rng.integers(0, 2, (8, 8)) * 5, np.ones((8, 8))).astype(np.float32)
    deliver(tmp_path / "raw")
    write(tmp_path / "raw/dsm.tif", heights, unit="metre")
    file = {"layers": {name: {"path": f"{name}.tif"} for name in ("eo", "dsm")}, "ground_filter": {"window_m": 10}}
    found = []
    for cells in (1024, 16):
        monkeypatch.setattr(ground, "BLOCK_CELLS", cells)
        found.append(read(prepare_file(tmp_path, file), "dtm"))
    assert np.abs(found[0] - found[1]).max() < 1e-4

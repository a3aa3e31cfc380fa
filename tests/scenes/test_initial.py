"""The initial surface model of a scene, filled block by block."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import rasterio
from raw_cases import SIDE, band, prepare, ramp, write

from img2height.errors import DataError
from img2height.io import grid
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster
from img2height.scenes import filling, holes
from img2height.scenes.filling import fill_layer
from img2height.scenes.initial import bring_initial
from img2height.vocabulary.layers import INITIAL


def holed(height: int, width: int) -> np.ndarray:
    """Return a slope with many holes, float32 with -9999 in them."""
    rng = np.random.default_rng([height, width])
    surface = np.add.outer(np.arange(height) * 0.1, np.arange(width) * 0.05).astype(np.float32) + 50
    gaps = np.kron(rng.random((height // 8, width // 8)) < 0.4, np.ones((8, 8), bool))
    return np.where(gaps, np.float32(-9999), surface)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 64 px with the margin that a shorter search needs."""
    monkeypatch.setattr(holes, "SEARCH_PX", 12)
    monkeypatch.setattr(filling, "REACH_PX", 26)
    monkeypatch.setattr(grid, "BLOCK_PX", 64)


def fill(folder: Path, surface: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Return the filled layer, the number of filled pixels, and numpy's peak memory."""
    folder.mkdir()
    write(folder / "dsm_initial.tif", surface, nodata=-9999, unit="metre")
    with open_raster(folder / "dsm_initial.tif") as raster:
        grid = Grid.of(raster)
    tracemalloc.start()
    count = fill_layer(folder, grid, INITIAL)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with rasterio.open(folder / "dsm_initial.tif") as raster:
        return raster.read(1), count, most


def test_blocks_are_filled_as_in_one_piece(tmp_path, small_blocks):
    surface = holed(200, 328)
    filled, count, _ = fill(tmp_path / "a", surface)
    whole = holes.fill_holes(np.where(surface == -9999, np.float32(np.nan), surface))
    np.testing.assert_array_equal(filled, np.where(np.isfinite(whole), whole, np.float32(-9999)))
    assert count == ((surface == -9999) & (filled != -9999)).sum() > 0


def test_memory_does_not_grow_with_the_scene(tmp_path, small_blocks):
    fill(tmp_path / "first", holed(64, 64))  # imports and caches
    small, large = (fill(tmp_path / str(side), holed(side, side))[2] for side in (192, 768))
    assert large < 1.3 * small


def test_the_middle_of_a_very_wide_hole_stays_missing(tmp_path):
    side = 4 * SIDE
    surface = ramp(side)
    surface[10:246, 10:246] = -9999
    (tmp_path / "raw").mkdir()
    for name in ("dsm", "dsm_initial"):
        write(tmp_path / f"raw/{name}.tif", ramp(side) if name == "dsm" else surface, unit="metre", nodata=-9999)
    scene = prepare(tmp_path, {name: {"path": f"{name}.tif"} for name in ("dsm_initial", "dsm")})
    heights, marks = band(scene, "dsm_initial"), band(scene, "dsm_filled")
    assert np.isnan(heights[128, 128]) and np.isnan(marks[128, 128])
    assert (np.isnan(heights) == np.isnan(marks)).all()
    assert marks[60, 128] == 1 and marks[5, 5] == 0
    assert np.nansum(marks) == (surface == -9999).sum() - np.isnan(heights).sum()


def test_a_surface_without_a_scene_is_filled_in_metres(tmp_path):
    raw, made = tmp_path / "raw", tmp_path / "made"
    raw.mkdir()
    made.mkdir()
    surface = ramp() / np.float32(0.3048)
    surface[20:26, 30:37] = -32767
    write(raw / "feet.tif", surface, unit="foot", nodata=-32767)
    path, count = bring_initial(raw / "feet.tif", made, "foot")
    with rasterio.open(path) as raster:
        heights = raster.read(1)
        assert (raster.descriptions, raster.units, raster.dtypes) == (("dsm",), ("metre",), ("float32",))
    assert count == 6 * 7
    hole = surface == -32767
    np.testing.assert_allclose(heights[~hole], ramp()[~hole], rtol=1e-6)
    rim = ramp()[19:27, 29:38]
    assert (heights[hole] >= rim.min() - 0.01).all() and (heights[hole] <= rim.max()).all()
    write(raw / "plain.tif", ramp().astype(np.float64))
    assert bring_initial(raw / "plain.tif", made, "metre")[1] == 0


def test_an_undeclared_nodata_is_not_a_height(tmp_path):
    write(tmp_path / "raw.tif", holed(64, 64))
    with pytest.raises(DataError, match=r"the first is -9999, .* write it into the raster"):
        bring_initial(tmp_path / "raw.tif", tmp_path, "metre")

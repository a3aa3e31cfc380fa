"""The correlation length of a map: of what stands on the terrain, not of its slope."""

import numpy as np
import pytest
from correction_cases import CELL, GRID, SIDE, heights, write_map

from img2height.correction.apply import open_map
from img2height.correction.relief import correlation_px, without_slope
from img2height.io.grid import Grid
from img2height.io.rasters import height_band, write_cog
from img2height.metrics.correlation import LAGS_PX

ROWS, COLUMNS = np.indices((SIDE, SIDE))


def length_px(path, heights_m: np.ndarray, quantity: str) -> float:
    with open_map(write_map(path, heights_m, quantity)) as onto:
        return correlation_px(onto)


def test_a_slope_does_not_correlate(tmp_path):
    level = length_px(tmp_path / "level.tif", heights() + 200, "dsm")
    hill = length_px(tmp_path / "hill.tif", heights() + 200 + 0.3 * ROWS - 0.1 * COLUMNS, "dsm")
    assert hill == pytest.approx(level, rel=0.1)
    assert CELL / 2 < level < 2 * CELL


def test_what_correlates_beyond_a_block_has_the_longest_length(tmp_path):
    grid = Grid(GRID.crs, GRID.transform, 1024, 64)
    steps = np.where(np.indices(grid.shape)[1] < 512, 0, 9).astype(np.float32)
    write_cog(tmp_path / "steps.tif", steps, grid, [height_band("ndsm")], nodata=-9999)
    with open_map(tmp_path / "steps.tif") as onto:
        assert correlation_px(onto) == LAGS_PX[-1]
    assert length_px(tmp_path / "flat.tif", np.full((SIDE, SIDE), 3.0), "ndsm") == 0


def test_missing_heights_stay_missing_without_the_slope():
    plane = 7 + 0.2 * ROWS + 0.5 * COLUMNS
    plane[:20] = np.nan
    above = without_slope(plane)
    np.testing.assert_allclose(above[20:], 0, atol=1e-9)
    assert np.isnan(above[:20]).all()
    assert np.isnan(without_slope(np.full((4, 4), np.nan))).all()

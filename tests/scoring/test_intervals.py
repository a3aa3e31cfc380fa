"""Counts of heights whose interval contains the reference, by tile and class, by hand; the same as of the raster."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
import shapely
from calibration_cases import calibration

from img2height.conformal.raster import Calibrated, write_intervals
from img2height.io.rasters import height_band, open_raster, read_heights, write_cog
from img2height.scenes.scene import Scene
from img2height.scoring.errors import references
from img2height.scoring.intervals import interval_tiles

TILE_PX = 128


def predicted(scene: Scene, folder: Path, error_m: float) -> tuple[Path, np.ndarray, np.ndarray]:
    """Return a height map that is wrong by a constant, its heights, and the reference."""
    with open_raster(scene.path("ndsm")) as raster:
        truth = read_heights(raster)
    heights = (truth + np.float32(error_m)).clip(min=0)
    write_cog(folder / "height.tif", heights, scene.grid, [height_band("ndsm")], nodata=-9999)
    return folder / "height.tif", heights, truth


def test_counts_are_those_of_the_written_intervals(district: Scene, tmp_path: Path) -> None:
    path, heights, truth = predicted(district, tmp_path, 2.5)
    area = shapely.box(0, 0, 256, 200)
    folds = [Calibrated(area, calibration())]
    write_intervals(path, None, folds, tmp_path / "interval.tif")
    with open_raster(tmp_path / "interval.tif") as raster:
        low, high = (read_heights(raster, band=band) for band in (1, 2))
    table = interval_tiles(path, district, folds, TILE_PX)
    found = table[(table.kind == "pixels") & (table.level == 0.9)]
    assert found.groupby(["row_off", "col_off"]).ngroups == 4
    for (row, column, stratum), own in found.groupby(["row_off", "col_off", "stratum"]):
        tile = np.s_[row : min(row + TILE_PX, 200), column : column + TILE_PX]
        least, most = {"all": (-1, 1e9), "height_0_3": (-1, 3), "height_3_10": (3, 10)}.get(stratum, (10, 1e9))
        inside = (heights[tile] > least) & (heights[tile] <= most)
        if stratum in ("height_10_20", "height_20_50"):
            assert own.bounded.item() == 0  # no margin above 10 m
            continue
        bounded = inside & np.isfinite(low[tile])
        covered = bounded & (truth[tile] >= low[tile]) & (truth[tile] <= high[tile])
        width_m = (high[tile] - low[tile])[bounded].sum(dtype=float)
        assert own["count"].item() == inside.sum()
        assert (own.bounded.item(), own.covered.item()) == (bounded.sum(), covered.sum())
        assert own.width_sum_m.item() == pytest.approx(width_m, rel=1e-6)


def test_no_interval_has_a_negative_width(district: Scene, tmp_path: Path) -> None:
    with open_raster(district.path("ndsm")) as raster:
        truth = read_heights(raster)
    write_cog(tmp_path / "height.tif", truth - 30, district.grid, [height_band("ndsm")], nodata=-9999)
    table = interval_tiles(
        tmp_path / "height.tif", district, [Calibrated(district.grid.extent, calibration())], TILE_PX
    )
    assert (table.width_sum_m >= 0).all() and (table.bounded > 0).any()


def test_buildings_are_counted_with_their_own_margins(district: Scene, tmp_path: Path) -> None:
    """Heights are 2.5 m too large: within the margin of 3 m below from 3 to 10 m."""
    path, _, _ = predicted(district, tmp_path, 2.5)
    table = interval_tiles(path, district, [Calibrated(district.grid.extent, calibration())], TILE_PX)
    found = table[(table.kind == "buildings") & (table.level == 0.9)].groupby("stratum")[["count", "covered"]].sum()
    assert found["count"]["all"] == found["count"].drop("all").sum() > 0
    assert found.covered["height_3_10"] == found["count"]["height_3_10"]


def test_heights_that_cannot_be_compared_give_an_empty_table(district: Scene, tmp_path: Path) -> None:
    write_cog(
        tmp_path / "height.tif", np.zeros(district.grid.shape, np.float32), district.grid, [height_band("relative")]
    )
    table = interval_tiles(
        tmp_path / "height.tif", district, [Calibrated(district.grid.extent, calibration())], TILE_PX
    )
    assert isinstance(table, pandas.DataFrame) and table[table.kind == "pixels"].empty


def test_surfaces_are_compared_only_with_terrain_and_relative_heights_never(district: Scene) -> None:
    without = replace(district, layers={name: layer for name, layer in district.layers.items() if name != "dtm"})
    assert references("dsm", without) is None and references("relative", district) is None
    assert {"ndsm", "dtm"} <= set(references("dsm", district))
    assert "ndsm" in references("ndsm", without)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_every_level_counts_the_same_heights(level: float, district: Scene, tmp_path: Path) -> None:
    path, _, _ = predicted(district, tmp_path, 0)
    table = interval_tiles(path, district, [Calibrated(district.grid.extent, calibration())], TILE_PX)
    whole = table[(table.kind == "pixels") & (table.stratum == "all") & (table.level == level)]
    assert whole["count"].sum() == 256 * 256
    assert (whole.bounded.sum() == 0) == (level == 0.5)  # this calibration has one level only

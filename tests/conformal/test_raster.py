"""Intervals of height maps: bands, missing values, classes of surface heights, areas of folds; columns of buildings."""

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from calibration_cases import calibration
from rasterio.crs import CRS

from img2height.conformal.buildings import with_bounds
from img2height.conformal.raster import Calibrated, write_intervals
from img2height.io.grid import Grid
from img2height.io.rasters import height_band, open_raster, read_heights, write_cog

GRID = Grid(CRS.from_epsg(32632), Affine(1, 0, 500_000, 0, -1, 5_000_000), 3, 2)
HEIGHTS = np.array([[0.5, 5, 50], [np.nan, 0.5, 5]], np.float32)
NAN = np.nan


def intervals(folder: Path, quantity: str, *, terrain: np.ndarray | None = None, folds: list | None = None) -> tuple:
    """Return the bands of the intervals of `HEIGHTS`, and their names."""
    write_cog(folder / "height.tif", HEIGHTS, GRID, [height_band(quantity)], nodata=-9999)
    if terrain is not None:
        write_cog(folder / "dtm.tif", terrain, GRID, [height_band("dtm")], nodata=-9999)
    folds = folds or [Calibrated(None, calibration())]
    write_intervals(folder / "height.tif", folder / "dtm.tif" if terrain is not None else None, folds, folder / "i.tif")
    with open_raster(folder / "i.tif") as raster:
        assert raster.units == ("metre", "metre") and raster.nodata == -9999
        return read_heights(raster, band=1), read_heights(raster, band=2), raster.descriptions


def test_each_height_has_the_margins_of_its_class(tmp_path: Path) -> None:
    low, high, names = intervals(tmp_path, "ndsm")
    assert names == ("height_low", "height_high")
    np.testing.assert_array_equal(low, [[0, 2, NAN], [NAN, 0, 2]])  # nothing lies below the ground
    np.testing.assert_array_equal(high, [[2.5, 9, NAN], [NAN, 2.5, 9]])  # and nothing is recorded about 50 m


def test_the_class_of_a_surface_is_that_of_its_height_above_ground(tmp_path: Path) -> None:
    terrain = np.array([[0, 0, 49], [0, -4, 4.5]], np.float32)
    low, high, _ = intervals(tmp_path, "dsm", terrain=terrain)
    np.testing.assert_array_equal(low, [[-0.5, 2, 49], [NAN, -2.5, 4]])
    np.testing.assert_array_equal(high, [[2.5, 9, 52], [NAN, 4.5, 7]])


@pytest.mark.parametrize("quantity", ["dsm", "dem"])
def test_without_ground_all_heights_have_the_same_margins(quantity: str, tmp_path: Path) -> None:
    low, high, _ = intervals(tmp_path, quantity)
    np.testing.assert_array_equal(low, HEIGHTS - 7)
    np.testing.assert_array_equal(high, HEIGHTS + 8)


def test_relative_heights_have_no_interval(tmp_path: Path) -> None:
    low, high, _ = intervals(tmp_path, "relative")
    assert np.isnan([low, high]).all()


def test_each_fold_has_its_own_calibration(tmp_path: Path) -> None:
    folds = [Calibrated(shapely.box(0, 0, 3, 1), calibration()), Calibrated(shapely.box(0, 1, 3, 2), calibration(0.5))]
    low, high, _ = intervals(tmp_path, "ndsm", folds=folds)
    np.testing.assert_array_equal(low, [[0, 2, NAN], [NAN, 0, 2]])
    np.testing.assert_array_equal(high, [[2.5, 9, NAN], [NAN, 2.5, 7]])


def test_buildings_have_columns_after_their_height() -> None:
    places = [shapely.box(x, 4_999_999, x + 1, 5_000_000) for x in (500_000, 500_001, 500_002)]
    frame = geopandas.GeoDataFrame({"height_m": [5.0, 1.5, NAN], "area_m2": 1.0}, geometry=places, crs="EPSG:32632")
    folds = [Calibrated(shapely.box(0, 0, 1, 2), calibration()), Calibrated(shapely.box(1, 0, 2, 2), calibration(2))]
    found = with_bounds(frame, GRID, folds)
    assert list(found) == ["height_m", "height_low_m", "height_high_m", "area_m2", "geometry"]
    np.testing.assert_array_equal(found.height_low_m, [2, 0, NAN])
    np.testing.assert_array_equal(found.height_high_m, [9, 3.5, NAN])
    assert list(with_bounds(frame[:0], GRID, folds)) == list(found)


def test_the_interval_of_a_building_below_the_terrain_contains_its_height() -> None:
    """A surface model may lie below its terrain: such heights are not clipped."""
    places = [shapely.box(x, 4_999_999, x + 1, 5_000_000) for x in (500_000, 500_001)]
    frame = geopandas.GeoDataFrame({"height_m": [-1.5, -0.2]}, geometry=places, crs="EPSG:32632")
    found = with_bounds(frame, GRID, [Calibrated(None, calibration())])
    np.testing.assert_array_equal(found.height_low_m, found.height_m)
    assert (found.height_high_m > found.height_m).all()

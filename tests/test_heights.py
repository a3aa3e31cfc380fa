import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.heights import is_valid, read_above_ground, read_compared
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, open_raster, write_cog
from img2height.vocabulary.layers import NODATA

GRID = Grid(CRS.from_epsg(25832), Affine(1, 0, 500_000, 0, -1, 5_400_000), 8, 6)


def write(folder, quantity: str, heights: np.ndarray):
    path = folder / f"{quantity}.tif"
    write_cog(path, heights.astype(np.float32), GRID, [height_band(quantity)], nodata=NODATA)
    return path


def test_zero_is_valid_and_nodata_is_not():
    assert is_valid(np.array([0.0, -9999.0, np.nan, np.inf, -3.0])).tolist() == [True, False, False, False, True]


def test_terrain_is_subtracted_from_surface_and_missing_stays_missing(tmp_path):
    surface, terrain = np.full(GRID.shape, 305.0), np.full(GRID.shape, 300.0)
    surface[0, 0], terrain[0, 1] = np.nan, np.nan
    with open_raster(write(tmp_path, "dsm", surface)) as dsm, open_raster(write(tmp_path, "dtm", terrain)) as dtm:
        above = read_above_ground(dsm, dtm, Window(0, 0, 4, 2))
        assert np.isnan(above[0, :2]).all()
        assert above.shape == (2, 4)
        assert (above[1] == 5).all()
        with pytest.raises(DataError, match="dtm"):
            read_above_ground(dsm, None)


def test_relative_heights_are_not_in_metres(tmp_path):
    with open_raster(write(tmp_path, "relative", np.zeros(GRID.shape))) as raster:
        with pytest.raises(DataError, match="relative"):
            read_above_ground(raster, None)
        Grid.of(raster).require(GRID, "one", "itself")
        with pytest.raises(DataError, match="different grids"):
            Grid.of(raster).require(GRID.crop(Window(0, 0, 4, 4)), "one", "a part")


def test_terrain_is_compared_with_terrain_and_is_zero_above_ground(tmp_path):
    found, truth = np.full(GRID.shape, 310.0), np.full(GRID.shape, 300.0)
    found[0, 0], truth[0, 1] = np.nan, np.nan
    with open_raster(write(tmp_path, "dem", found)) as dem, open_raster(write(tmp_path, "dtm", truth)) as dtm:
        above = read_above_ground(dem, None)
        assert np.isnan(above[0, 0])
        assert np.nansum(np.abs(above)) == 0
        predicted, reference = read_compared(dem, {"dtm": dtm}, Window(0, 0, 3, 2))
        assert np.argwhere(np.isnan(predicted)).tolist() == [[0, 0]]
        assert np.argwhere(np.isnan(reference)).tolist() == [[0, 1]]
        assert (predicted - reference)[1].tolist() == [10, 10, 10]
        with pytest.raises(DataError, match="no dtm"):
            read_compared(dem, {"ndsm": dtm})


def test_other_heights_are_compared_above_ground(tmp_path):
    heights = {"dsm": 305.0, "dtm": 300.0, "ndsm": 4.0}
    files = {name: write(tmp_path, name, np.full(GRID.shape, value)) for name, value in heights.items()}
    with (
        open_raster(files["dsm"]) as surface,
        open_raster(files["dtm"]) as terrain,
        open_raster(files["ndsm"]) as ndsm,
    ):
        predicted, reference = read_compared(surface, {"dtm": terrain, "ndsm": ndsm})
        assert ((predicted == 5) & (reference == 4)).all()
        with pytest.raises(DataError, match="no ndsm"):
            read_compared(surface, {"dtm": terrain})


def test_building_heights_are_compared_with_those_of_reference_buildings(tmp_path):
    building = np.zeros(GRID.shape, np.uint8)
    building[0, 0], building[0, 1] = 1, 255
    write_cog(tmp_path / "building.tif", building, GRID, [Band("building")], nodata=255)
    files = {name: write(tmp_path, name, np.full(GRID.shape, 7.0)) for name in ("building_height", "ndsm")}
    with (
        open_raster(files["building_height"]) as heights,
        open_raster(files["ndsm"]) as ndsm,
        open_raster(tmp_path / "building.tif") as mask,
    ):
        predicted, reference = read_compared(heights, {"ndsm": ndsm, "building": mask}, Window(0, 0, 3, 1))
        assert (predicted == 7).all()
        np.testing.assert_array_equal(reference, [[7, np.nan, 0]])
        with pytest.raises(DataError, match="no building mask"):
            read_compared(heights, {"ndsm": ndsm})

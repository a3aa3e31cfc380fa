import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.rasters import NODATA, Grid, height_band, open_raster, write_cog
from img2height.scenes.heights import known, read_above_ground, require_same_grid

GRID = Grid(CRS.from_epsg(25832), Affine(1, 0, 500_000, 0, -1, 5_400_000), 8, 6)


def write(folder, quantity: str, heights: np.ndarray):
    path = folder / f"{quantity}.tif"
    write_cog(path, heights.astype(np.float32), GRID, [height_band(quantity)], nodata=NODATA)
    return path


def test_zero_is_known_and_nodata_is_not():
    assert known(np.array([0.0, -9999.0, np.nan, np.inf, -3.0])).tolist() == [True, False, False, False, True]


def test_surface_loses_its_terrain_and_unknown_stays_unknown(tmp_path):
    surface, terrain = np.full(GRID.shape, 305.0), np.full(GRID.shape, 300.0)
    surface[0, 0], terrain[0, 1] = np.nan, np.nan
    with open_raster(write(tmp_path, "dsm", surface)) as dsm, open_raster(write(tmp_path, "dtm", terrain)) as dtm:
        above = read_above_ground(dsm, dtm, Window(0, 0, 4, 2))
        assert np.isnan(above[0, :2]).all()
        assert above.shape == (2, 4)
        assert (above[1] == 5).all()
        with pytest.raises(DataError, match="dtm"):
            read_above_ground(dsm, None)


def test_relative_heights_have_no_metres(tmp_path):
    with open_raster(write(tmp_path, "relative", np.zeros(GRID.shape))) as raster:
        with pytest.raises(DataError, match="relative"):
            read_above_ground(raster, None)
        require_same_grid(raster, GRID, "itself")
        with pytest.raises(DataError, match="different grids"):
            require_same_grid(raster, GRID.crop(Window(0, 0, 4, 4)), "a part")

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from img2height.buildings.scene import extract_scene
from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.scenes.scene import Scene, SceneLayer
from img2height.settings.protocol import Buildings
from img2height.vocabulary.layers import NODATA

GRID = Grid(CRS.from_epsg(25832), Affine(1, 0, 500_000, 0, -1, 5_400_000), 60, 50)
SETTINGS = Buildings(min_height_m=2.5, ndvi_max=0.2, vari_max=0.1, min_area_m2=20.0, max_hole_m2=10.0, simplify_m=1.0)
BANDS = ["red", "green", "blue", "nir"]


@pytest.fixture
def scene(tmp_path):
    """A house of 8 m and a tree of 9 m on ground at 300 m."""
    height = np.zeros(GRID.shape, np.float32)
    height[10:20, 10:20], height[30:40, 30:40] = 8, 9
    image = np.full((4, *GRID.shape), 100, np.uint8)
    image[3, 30:40, 30:40] = 220
    terrain = np.full(GRID.shape, 300, np.float32)
    write_cog(tmp_path / "eo.tif", image, GRID, [Band(band) for band in BANDS], valid=np.ones(GRID.shape, bool))
    write_cog(tmp_path / "dtm.tif", terrain, GRID, [height_band("dtm")], nodata=NODATA)
    write_cog(tmp_path / "ndsm.tif", height, GRID, [height_band("ndsm")], nodata=NODATA)
    write_cog(tmp_path / "dsm.tif", height + terrain, GRID, [height_band("dsm")], nodata=NODATA)
    layers = {
        "eo": SceneLayer.of(tmp_path / "eo.tif", BANDS),
        "dtm": SceneLayer.of(tmp_path / "dtm.tif", ["dtm"], "metre"),
    }
    return Scene(tmp_path, "town", "one", GRID, layers)


@pytest.mark.parametrize("quantity", ["ndsm", "dsm"])
def test_house_is_found_and_tree_is_not(scene, quantity):
    out = scene.folder / "footprint.tif"
    buildings = extract_scene(scene.folder / f"{quantity}.tif", scene, SETTINGS, out)
    with rasterio.open(out) as footprint:
        assert footprint.read(1).sum() == 100
    assert buildings[["building_id", "height_m", "ground_m", "area_m2"]].to_numpy().tolist() == [[1, 8, 300, 100]]


def test_without_colours_only_the_height_decides_and_this_is_logged(scene, caplog):
    grey = Scene(scene.folder, "town", "one", GRID, {})
    buildings = extract_scene(scene.folder / "ndsm.tif", grey, SETTINGS, scene.folder / "footprint.tif")
    assert buildings.area_m2.sum() == 200
    assert buildings.ground_m.isna().all()
    assert "only the height decides" in caplog.text


def test_heights_on_another_grid_are_refused(scene, tmp_path):
    shifted = Grid(GRID.crs, GRID.transform @ Affine.translation(3, 0), GRID.width, GRID.height)
    write_cog(tmp_path / "moved.tif", np.zeros(GRID.shape, np.float32), shifted, [height_band("ndsm")], nodata=NODATA)
    with pytest.raises(DataError, match="different grids"):
        extract_scene(tmp_path / "moved.tif", scene, SETTINGS, tmp_path / "footprint.tif")

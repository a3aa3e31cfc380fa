from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import Polygon, box

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.rasters import height_band, write_cog
from img2height.scenes.scene import Scene, SceneLayer
from img2height.scoring.residuals import write_residuals
from img2height.vocabulary.layers import NODATA

GRID = Grid(CRS.from_epsg(25832), Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000), 530, 520)  # four blocks
EVERYWHERE = box(0, 0, GRID.width, GRID.height)
RNG = np.random.default_rng([8])
TERRAIN = np.rint(RNG.uniform(200, 300, GRID.shape) * 8).astype(np.float32) / 8  # eighths of a metre have exact sums
ABOVE = np.rint(RNG.uniform(0, 30, GRID.shape) * 8).astype(np.float32) / 8
BEFORE = np.rint(RNG.normal(0, 4, GRID.shape) * 8).astype(np.float32) / 8
AFTER = np.rint(RNG.normal(0, 1, GRID.shape) * 8).astype(np.float32) / 8


def write(path: Path, heights: np.ndarray, quantity: str, grid: Grid = GRID) -> Path:
    write_cog(path, heights, grid, [height_band(quantity)], nodata=NODATA)
    return path


@pytest.fixture
def scene(tmp_path) -> Scene:
    """Return a scene with separate holes in its initial, refined and reference surface and its terrain."""
    surface = TERRAIN + ABOVE
    initial, refined, reference, terrain = surface + BEFORE, surface + AFTER, surface.copy(), TERRAIN.copy()
    initial[100:110, 505:520] = np.nan
    refined[200, 300] = np.nan
    reference[511:514, 511:514] = np.nan
    terrain[40, 50] = np.nan
    made = {"dsm_initial": initial, "dsm": reference, "dtm": terrain, "ndsm": ABOVE}
    for name, heights in made.items():
        write(tmp_path / f"{name}.tif", heights, "dsm" if name == "dsm_initial" else name)
    write(tmp_path / "height.tif", refined, "dsm")
    layers = {name: SceneLayer.of(tmp_path / f"{name}.tif") for name in made}
    return Scene(tmp_path, "town", "s", GRID, layers)


def residuals(scene: Scene, area=EVERYWHERE) -> np.ndarray:
    out = scene.folder / "residuals.tif"
    write_residuals(scene.path("dsm_initial"), scene.folder / "height.tif", scene, area, out)
    with rasterio.open(out) as raster:
        assert (raster.descriptions, raster.units) == (("before", "after"), ("metre", "metre"))
        assert (raster.dtypes, raster.nodata) == (("float32", "float32"), NODATA)
        assert (raster.crs, raster.transform, raster.shape) == (GRID.crs, GRID.transform, GRID.shape)
        return raster.read()


def expected() -> np.ndarray:
    errors = np.stack([BEFORE, AFTER])
    errors[0, 100:110, 505:520] = NODATA
    errors[1, 200, 300] = NODATA
    return errors


def test_errors_are_nodata_where_the_surface_or_the_reference_is(scene):
    errors = expected()
    errors[:, 511:514, 511:514] = NODATA
    assert (residuals(scene) == errors).all()
    assert cog_validate(scene.folder / "residuals.tif", quiet=True)[0]
    assert [path.name for path in scene.folder.iterdir() if path.name.startswith(".")] == []


def test_without_a_reference_surface_it_is_the_sum_of_dtm_and_ndsm(scene):
    del scene.layers["dsm"]
    errors = expected()
    errors[:, 40, 50] = NODATA
    assert (residuals(scene) == errors).all()


def test_errors_outside_the_area_are_nodata(scene):
    area = Polygon([(0, 0), (500.4, 0), (500.4, 90), (0, 90)])
    errors = np.full((2, *GRID.shape), NODATA, np.float32)
    errors[:, :90, :500] = expected()[:, :90, :500]
    assert (residuals(scene, area) == errors).all()


def test_missing_references_other_quantities_and_grids_are_refused(scene, tmp_path):
    initial, out = scene.path("dsm_initial"), tmp_path / "none.tif"
    other = write(tmp_path / "above.tif", ABOVE, "ndsm")
    with pytest.raises(DataError, match="contains ndsm"):
        write_residuals(initial, other, scene, EVERYWHERE, out)
    moved = Grid(GRID.crs, GRID.transform @ Affine.translation(1, 0), GRID.width, GRID.height)
    shifted = write(tmp_path / "shifted.tif", ABOVE, "dsm", moved)
    with pytest.raises(DataError, match="different grids"):
        write_residuals(initial, shifted, scene, EVERYWHERE, out)
    del scene.layers["dsm"], scene.layers["ndsm"]
    with pytest.raises(DataError, match="needs the layer dsm, or ndsm and dtm"):
        write_residuals(initial, tmp_path / "height.tif", scene, EVERYWHERE, out)
    assert not out.exists()

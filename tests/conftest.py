"""Fixtures that several rooms share: a small prepared scene of the synthetic city, made in memory once."""

from pathlib import Path

import numpy as np
import pandas
import pytest
from affine import Affine
from rasterio.crs import CRS

import img2height.torchvision_ops  # noqa: F401  (before torchmetrics and lightning, which import torchvision)
from img2height.rasters import NODATA, Band, Grid, height_band, write_cog
from img2height.scenes.city import CitySettings, generate
from img2height.scenes.city_optical import render
from img2height.scenes.scene import Scene, SceneLayer, file_digest

ROOT = Path(__file__).parents[1]
EO_BANDS = ["red", "green", "blue", "nir"]


def write_scene(folder: Path, name: str, eo: np.ndarray, ndsm: np.ndarray, building: np.ndarray) -> Scene:
    """Return a prepared scene written from arrays: eo C x H x W uint8, ndsm H x W with NaN unknown, building 0/1."""
    folder.mkdir(parents=True)
    grid = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), ndsm.shape[1], ndsm.shape[0])
    bands = EO_BANDS[: len(eo)]
    write_cog(folder / "eo.tif", eo, grid, [Band(b) for b in bands], valid=np.ones(ndsm.shape, bool))
    write_cog(folder / "ndsm.tif", ndsm.astype(np.float32), grid, [height_band("ndsm")], nodata=NODATA)
    write_cog(
        folder / "building.tif", building.astype(np.uint8), grid, [Band("building")], nodata=255, categorical=True
    )
    layers = {
        "eo": SceneLayer("eo.tif", file_digest(folder / "eo.tif"), bands),
        "ndsm": SceneLayer("ndsm.tif", file_digest(folder / "ndsm.tif"), ["ndsm"], "metre"),
        "building": SceneLayer("building.tif", file_digest(folder / "building.tif"), ["building"]),
    }
    scene = Scene(folder, "demo", name, grid, layers, {"vertical_reference": "synthetic"})
    scene.save()
    return scene


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a prepared scene of 256 x 256 px of the city."""
    city = generate(CitySettings(size_px=256, seed=3))
    folder = tmp_path_factory.mktemp("scenes") / "district"
    return write_scene(folder, "district", render(city), city.ndsm, city.building)


def grid_tiles(scene: Scene, size_px: int, part: str) -> pandas.DataFrame:
    """Return the tiles of a scene side by side, all in one part of fold 0."""
    corners = [
        (c, r)
        for r in range(0, scene.grid.height - size_px + 1, size_px)
        for c in range(0, scene.grid.width - size_px + 1, size_px)
    ]
    rows = [
        {"fold": 0, "part": part, "dataset": scene.dataset, "scene": scene.name, "col_off": c, "row_off": r,
         "size_px": size_px}
        for c, r in corners
    ]  # fmt: skip
    return pandas.DataFrame(rows)

"""Tiles for tests: one place in the district, and a small scene of three views with known statistics."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.samples.reader import TileReader
from img2height.scenes.scene import Scene, SceneLayer
from img2height.vocabulary.layers import NODATA

PLACE = {"dataset": "demo", "scene": "district", "col_off": 40, "row_off": 70, "size_px": 64}
STEREO = {"dsm_initial": ["dsm"], "views": ["first", "second"]}
GRID = Grid(CRS.from_epsg(32633), Affine(1, 0, 500_000, 0, -1, 5_800_000), 32, 32)


def reader(scene: Scene, inputs: dict, target: str = "dsm") -> TileReader:
    """Return a reader of one scene."""
    return TileReader({(scene.dataset, scene.name): scene}, inputs, target)


def pixels(scene: Scene, layer: str, bands: list[int]) -> np.ndarray:
    """Return the pixels of `PLACE` as stored in the raster."""
    with rasterio.open(scene.path(layer)) as dataset:
        return dataset.read(bands, window=Window(PLACE["col_off"], PLACE["row_off"], 64, 64))


def view_scene(folder: Path, missing: np.ndarray) -> Scene:
    """Return a scene with chequered views of 10 and 20, 30 and 40, 250 and 251, and a chequered surface of 3 m."""
    board = np.indices(GRID.shape).sum(axis=0) % 2
    for number, values in enumerate([(10, 20), (30, 40), (250, 251)], 1):
        view = np.array(values, np.uint8)[board]
        view[missing] = 255
        write_cog(folder / f"view_{number}.tif", view, GRID, [Band("pan")], valid=~missing)
    surface = np.where(board == 1, 503, 497).astype(np.float32)
    for name in ("dsm", "dsm_initial"):
        write_cog(folder / f"{name}.tif", surface, GRID, [height_band("dsm")], nodata=NODATA)
    bands = {f"view_{n}": ["pan"] for n in (1, 2, 3)} | {"dsm": ["dsm"], "dsm_initial": ["dsm"]}
    layers = {name: SceneLayer.of(folder / f"{name}.tif", names) for name, names in bands.items()}
    return Scene(folder, "d", "s", GRID, layers)

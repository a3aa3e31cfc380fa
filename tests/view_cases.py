"""A small scene for the map: heights with holes, a reference, an image and two houses, in more than one tile."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely
from affine import Affine
from rasterio.crs import CRS

from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.view.frame import TILE

GRID = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 400_000, 0, -0.5, 5_800_000), 620, 540)
HOLE = np.s_[100:160, 200:300]
HOUSES = (shapely.box(40, 40, 80, 60), shapely.box(490, 300, 530, 340))  # in pixels, heights 6 and 9 m


def surfaces(grid: Grid = GRID) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted and reference heights, HxW float32 metres, NaN where missing."""
    rows, columns = np.indices(grid.shape, dtype=np.float32)
    reference = 3 + 2 * np.sin(columns / 30) * np.cos(rows / 40)
    for house, height in zip(HOUSES, (6, 9), strict=True):
        left, top, right, bottom = map(int, house.bounds)
        reference[top:bottom, left:right] = height
    predicted = reference + np.random.default_rng(0).normal(0.25, 0.5, grid.shape).astype(np.float32)
    predicted[HOLE] = np.nan
    return predicted, reference


def deliver(folder: Path, grid: Grid = GRID) -> dict[str, Path]:
    """Write the files of the scene into a folder, and return their paths by option."""
    predicted, reference = surfaces(grid)
    paths = {name: folder / f"{name}.tif" for name in ("height", "reference", "image")}
    for name, heights in (("height", predicted), ("reference", reference)):
        filled = np.where(np.isfinite(heights), heights, np.float32(-9999))
        write_cog(paths[name], filled, grid, [height_band("ndsm")], nodata=-9999)
    rows, columns = np.indices(grid.shape)
    colours = np.stack([columns % 200 + 1, rows % 200 + 1, (rows + columns) // 30 % 2 * 200 + 1]).astype(np.uint8)
    valid = np.ones(grid.shape, bool)
    valid[:, :50] = False
    write_cog(paths["image"], colours, grid, [Band("red"), Band("green"), Band("blue")], valid=valid)
    paths["buildings"] = folder / "buildings.gpkg"
    houses().to_file(paths["buildings"], layer="buildings")
    return paths


def houses(grid: Grid = GRID) -> geopandas.GeoDataFrame:
    """Return the houses in map coordinates; the second has no height."""
    shapes = grid.to_map(np.array(HOUSES, dtype=object))
    return geopandas.GeoDataFrame({"height_m": [5.5, np.nan]}, geometry=list(shapes), crs=grid.crs)


def chunk(folder: Path, key: str) -> Any:
    """Return the value of a script of the page."""
    call = (folder / "data" / f"{key}.js").read_text(encoding="utf-8").strip()
    name, value = json.loads(f"[{call.removeprefix('received(').removesuffix(');')}]")
    assert name == key
    return value


def decoded(tile: dict[str, Any] | None) -> np.ndarray:
    """Return the heights of a tile as the page decodes them."""
    if tile is None:
        return np.full((TILE, TILE), np.nan)
    low, high = (
        np.frombuffer(zlib.decompress(base64.b64decode(tile["data"])), np.uint8).reshape(2, -1).astype(np.uint16)
    )
    codes = np.cumsum(low + (high << 8), dtype=np.uint16).reshape(TILE, TILE).astype(np.int64)
    return np.where(codes > 0, (tile["first"] + codes - 1) * tile["step"] / 100, np.nan)

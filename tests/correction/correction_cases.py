"""A made place of houses and trees, maps that are wrong in a known way, and files of known heights."""

from pathlib import Path

import numpy as np
import pandas
from affine import Affine
from rasterio.crs import CRS

from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog

SIDE = 240
GRID = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), SIDE, SIDE)
CELL = 12  # px: one house, tree or lawn each


def heights() -> np.ndarray:
    """Return heights above ground, HxW float32: lawns of 0 m, and flat tops of 4 to 20 m."""
    rng = np.random.default_rng(7)
    tops = np.where(rng.random((SIDE // CELL,) * 2) < 0.5, 0, rng.uniform(4, 20, (SIDE // CELL,) * 2))
    return np.kron(tops, np.ones((CELL, CELL))).astype(np.float32)


def write_map(path: Path, heights_m: np.ndarray, quantity: str = "ndsm", **bands: np.ndarray) -> Path:
    """Write a height map, with further bands by description."""
    described = [height_band(quantity), *(Band(name, "1") for name in bands)]
    write_cog(path, np.stack([heights_m, *bands.values()]).astype(np.float32), GRID, described, nodata=-9999)
    return path


def some_pixels(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of different pixels."""
    chosen = np.random.default_rng(seed).choice(SIDE * SIDE, count, replace=False)
    return chosen // SIDE, chosen % SIDE


def table(rows: np.ndarray, columns: np.ndarray, heights_m: np.ndarray) -> pandas.DataFrame:
    """Return known heights at the centres of pixels."""
    x, y = GRID.transform @ (columns + 0.5, rows + 0.5)
    return pandas.DataFrame({"x": x, "y": y, "height": heights_m})


def write_points(path: Path, heights_m: np.ndarray, count: int = 200, seed: int = 0) -> Path:
    """Write a CSV of known heights at some pixels."""
    rows, columns = some_pixels(count, seed)
    table(rows, columns, heights_m[rows, columns]).to_csv(path, index=False)
    return path

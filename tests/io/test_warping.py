"""The warp places pixels where the package's own transformation does, whatever GDAL's database contains."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.enums import Resampling
from rasterio.warp import transform as transform_by_gdal

from img2height.io.grid import Grid
from img2height.io.projections import operation, place_of, reproject, reproject_bounds
from img2height.io.rasters import open_raster
from img2height.io.warping import EXACT_PX, warped

SIDE = 300
QORNOQ, GR96 = "EPSG:2216", "EPSG:3182"  # Greenland: EPSG added a transformation in 2025


def raster_of_places(path: Path, crs: str, west: float, north: float, side: float) -> Path:
    """Write a raster whose bands are the columns and rows of its own pixels."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    with rasterio.open(
        path, "w", driver="GTiff", width=SIDE, height=SIDE, count=2, dtype="float64", crs=crs,
        transform=Affine(side, 0, west, 0, -side, north),
    ) as out:  # fmt: skip
        out.write(np.stack([columns, rows]))
    return path


@pytest.mark.parametrize(
    ("source", "corner", "side", "target"),
    [
        (QORNOQ, (500_000, 7_097_000), 1.0, GR96),
        ("EPSG:32632", (800_000, 5_800_000), 0.5, "EPSG:32633"),  # rotated
        ("EPSG:4326", (13.4, 52.5), 1e-5, "EPSG:25833"),  # the system itself has latitude first
        ("EPSG:31467", (3_500_000, 5_500_000), 1.0, "EPSG:25832"),  # northing first, a shift of the datum
        ("EPSG:25833+7837", (500_000, 5_800_000), 1.0, "EPSG:25832"),  # with heights
    ],
)
def test_pixels_are_where_the_transformation_puts_them(
    tmp_path: Path, source: str, corner: tuple[float, float], side: float, target: str
) -> None:
    path = raster_of_places(tmp_path / "places.tif", source, *corner, side)
    with open_raster(path) as dataset:
        own = Grid.of(dataset)
        inside = shapely.box(100, 100, 200, 200)
        west, _, _, north = reproject(own.to_map(inside), own.crs, target, own.place).bounds
        grid = Grid.north_up(
            rasterio.CRS.from_user_input(target), west, north, side=own.side_in(target), shape=(100, 80)
        )
        with warped(dataset, grid, Resampling.bilinear, add_alpha=False) as there:
            found = there.read()
    rows, columns = np.mgrid[:100, :80] + 0.5
    x, y = grid.transform @ (columns, rows)
    back = operation(own.crs, grid.crs, grid.place).transformer.transform(x, y, direction="INVERSE")
    expected = ~own.transform @ back
    assert np.abs(found - np.stack(expected)).max() < 2 * EXACT_PX


def test_values_do_not_depend_on_the_window(tmp_path: Path) -> None:
    path = raster_of_places(tmp_path / "places.tif", "EPSG:32632", 800_000, 5_800_000, 0.5)
    with open_raster(path) as dataset:
        west, _, _, north = reproject_bounds(dataset.bounds, dataset.crs, "EPSG:32633", Grid.of(dataset).place)
        grid = Grid.north_up(rasterio.CRS.from_epsg(32633), west + 20, north - 20, 0.5, (200, 200))
        with warped(dataset, grid, Resampling.bilinear, add_alpha=False) as there:
            whole = there.read()
            parts = np.concatenate([there.read(window=window) for window in grid.blocks(200 // 4)][:4], axis=2)
    assert np.abs(whole[:, :50] - parts).max() < EXACT_PX


def test_gdal_would_use_another_transformation() -> None:
    """The pair of systems in this file is a valid test only while the two databases differ."""
    folders = Path(pyproj.datadir.get_data_dir()), Path(rasterio.__file__).parent / "proj_data"
    if epsg_version(folders[0]) == epsg_version(folders[1]):
        pytest.skip("pyproj and rasterio have the same EPSG version")
    x, y = 500_000.0, 7_097_000.0
    own = reproject(shapely.Point(x, y), QORNOQ, GR96, place_of((x, y, x + 300, y + 300), QORNOQ))
    (east,), (north,) = transform_by_gdal(QORNOQ, GR96, [x], [y])
    assert own.distance(shapely.Point(east, north)) > 5


def epsg_version(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "proj.db")) as database, database:
        return database.execute("SELECT value FROM metadata WHERE key = 'EPSG.VERSION'").fetchone()[0]

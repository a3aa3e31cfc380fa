"""A height map as a point cloud, one point for each valid pixel, with the colours of the image."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import laspy
import numpy as np
from pyproj import CRS
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.heights import is_valid
from img2height.io.atomic import atomic_path
from img2height.io.display import Picture
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster, read_heights

PLAIN, COLOURED = 6, 7  # point formats of LAS 1.4
STEP_M = 0.001  # of a coordinate
FULL = 257  # 255 x 257 is the brightest of sixteen bits
BLOCK_PX = 1024


def write_points(heights: Path, path: Path, image: Path | None = None, bands: Sequence[str] = ()) -> None:
    """Write a height map as LAS 1.4, compressed if the name ends in .laz; the same heights give the same bytes.

    A point stands in the centre of its pixel, z is the height in the map, above ground or an elevation, in metres. The
    horizontal coordinate system is stored. Missing pixels have no point. Points are in the order of the blocks that
    are read, so that a raster of any size takes little memory.

    Args:
        heights: single-band or multi-band raster whose first band has heights in metres.
        path: the .laz or .las file; appears only when it is complete.
        image: raster on the same grid that gives the colours; None for points without colours.
        bands: the name of each band of the image.

    Raises:
        DataError: the image has another grid, or no height is valid.
    """
    with open_raster(heights) as raster, atomic_path(path) as temporary:
        grid = Grid.of(raster)
        if image is None:
            _write(temporary, raster, grid, None)
            return
        with open_raster(image) as colours:
            grid.require(Grid.of(colours), raster.name, colours.name)
            _write(temporary, raster, grid, Picture.of(colours, bands))


def _write(path: Path, raster: DatasetReader, grid: Grid, picture: Picture | None) -> None:
    header = _header(grid, COLOURED if picture else PLAIN)
    with laspy.open(path, mode="w", header=header, do_compress=path.suffix == ".laz") as out:
        for block in grid.blocks(BLOCK_PX):
            if (points := _points(raster, grid, block, header, picture)) is not None:
                out.write_points(points)
        count = out.header.point_count
    if not count:
        raise DataError(f"{raster.name}: no height is valid, so there are no points; check the input")


def _header(grid: Grid, point_format: int) -> laspy.LasHeader:
    """Return the header of the file without counts and extent, which follow from the points."""
    header = laspy.LasHeader(point_format=point_format, version="1.4")
    header.add_crs(CRS.from_user_input(grid.crs), keep_compatibility=False)
    west, south, _, _ = grid.bounds
    header.offsets, header.scales = np.floor([west, south, 0.0]), np.full(3, STEP_M)
    header.creation_date, header.generating_software = date(2000, 1, 1), "img2height"
    return header


def _points(
    raster: DatasetReader, grid: Grid, block: Window, header: laspy.LasHeader, picture: Picture | None
) -> laspy.ScaleAwarePointRecord | None:
    """Return the points of a block, row by row; None if there are none."""
    heights = read_heights(raster, block)
    rows, columns = np.nonzero(is_valid(heights))
    if not len(rows):
        return None
    points = laspy.ScaleAwarePointRecord.zeros(len(rows), header=header)
    points.x, points.y = grid.transform @ (columns + block.col_off + 0.5, rows + block.row_off + 0.5)
    points.z = heights[rows, columns]
    points.return_number = points.number_of_returns = np.ones(len(rows), np.uint8)
    if picture is not None:
        colours = picture.read(block)[rows, columns].astype(np.uint16)
        points.red, points.green, points.blue = (colours[:, :3] * FULL).T
    return points

"""The pixel grid of a raster: where each pixel lies on the map, its file blocks, and areas in its pixel coordinates."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import shapely
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError

BLOCK_PX = 512
SEGMENT_PX = 100.0  # straight edges bend between projections; each segment of this length is moved on its own

Areas = shapely.Geometry | np.ndarray  # one, or an array of them


@dataclass(frozen=True)
class Grid:
    """The pixel grid of a scene: where each pixel lies on the ground.

    Attributes:
        crs: projected coordinate reference system, axes in metres.
        transform: pixel corner to map coordinates.
        width: columns.
        height: rows.
    """

    crs: CRS
    transform: Affine
    width: int
    height: int

    @classmethod
    def of(cls, dataset: DatasetReader) -> "Grid":
        """Return the grid of an open raster."""
        return cls(dataset.crs, dataset.transform, dataset.width, dataset.height)

    @property
    def gsd_m(self) -> float:
        """Ground sampling distance in metres: the side of a square as large as a pixel, which may be turned."""
        return math.sqrt(abs(self.transform.determinant))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, as numpy orders them."""
        return self.height, self.width

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in map coordinates."""
        west, north = self.transform @ (0, 0)
        east, south = self.transform @ (self.width, self.height)
        return min(west, east), min(south, north), max(west, east), max(south, north)

    def crop(self, window: Window) -> "Grid":
        """Return the grid of one window of this grid."""
        transform = self.transform @ Affine.translation(window.col_off, window.row_off)
        return Grid(self.crs, transform, int(window.width), int(window.height))


def blocks(grid: Grid) -> Iterator[Window]:
    """Yield the file blocks of a grid, row by row."""
    for row in range(0, grid.height, BLOCK_PX):
        for column in range(0, grid.width, BLOCK_PX):
            yield Window(column, row, min(BLOCK_PX, grid.width - column), min(BLOCK_PX, grid.height - row))


def require_same_grid(heights: DatasetReader, other: DatasetReader | Grid, name: str) -> None:
    """Raise a DataError that names both grids unless a height raster lies on the grid of another raster.

    Args:
        heights: open raster.
        other: open raster or grid that it must share.
        name: what the other is, for the message.
    """
    one, two = Grid.of(heights), other if isinstance(other, Grid) else Grid.of(other)
    if (one.shape, one.crs) != (two.shape, two.crs) or not one.transform.almost_equals(two.transform, 1e-6):
        raise DataError(
            f"{heights.name} and {name} lie on different grids ({one.shape}, {one.crs}, {one.transform.to_gdal()} and "
            f"{two.shape}, {two.crs}, {two.transform.to_gdal()}); predict on the scene's grid"
        )


def footprint(grid: Grid) -> shapely.Polygon:
    """Return the whole ground of a grid in its pixel coordinates."""
    return shapely.box(0, 0, grid.width, grid.height)


def to_map(area: Areas, grid: Grid) -> Areas:
    """Return areas in the map coordinates of their grid."""
    return shapely.transform(area, lambda x, y: grid.transform @ (x, y), interleaved=False)


def from_map(area: Areas, grid: Grid) -> Areas:
    """Return areas given in map coordinates in the pixel coordinates of a grid."""
    inverse = ~grid.transform
    return shapely.transform(area, lambda x, y: inverse @ (x, y), interleaved=False)


def reproject(area: Areas, source: Grid, crs: CRS | str) -> Areas:
    """Return areas given in pixel coordinates in the map coordinates of a CRS."""
    if source.crs == crs:
        return to_map(area, source)
    bent = to_map(shapely.segmentize(area, SEGMENT_PX), source)
    return shapely.transform(bent, _transformer(source.crs, crs).transform, interleaved=False)


@cache
def _transformer(source: CRS, target: CRS | str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)

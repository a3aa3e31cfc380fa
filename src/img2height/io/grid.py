"""The pixel grid of a raster: the map position of each pixel, blocks, and comparison with other grids."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.areas import area_window
from img2height.io.projections import Areas, Bounds, System, metres_per_unit, move, place_of, reproject
from img2height.io.values import horizontal

BLOCK_PX = 512
SEGMENT_PX = 100.0  # straight edges bend between projections; segments of this length are transformed separately
SAME_PX = 0.01  # grids whose pixels are further apart are different grids
ALIGNED_PX = 1e-3  # pixels that are further apart are interpolated, not copied


@dataclass(frozen=True)
class Grid:
    """The pixel grid of a raster: the map position of each pixel.

    Pixel coordinates are x = column and y = row, from the corner of the first pixel.

    Attributes:
        crs: coordinate reference system; projected with axes in metres for scenes.
        transform: pixel corner to map coordinates.
        width: columns.
        height: rows.
    """

    crs: CRS
    transform: Affine
    width: int
    height: int

    @classmethod
    def of(cls, dataset: DatasetReader) -> Self:
        """Return the grid of an open raster."""
        return cls(horizontal(dataset.crs), dataset.transform, dataset.width, dataset.height)

    @classmethod
    def north_up(cls, crs: CRS, west: float, north: float, side: float, shape: tuple[int, int]) -> Self:
        """Return a grid of square pixels along the axes of the map.

        Args:
            crs: coordinate reference system.
            west: left border in map coordinates.
            north: upper border in map coordinates.
            side: side of a pixel, in map units.
            shape: rows and columns.
        """
        return cls(crs, Affine(side, 0, west, 0, -side, north), shape[1], shape[0])

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the grid from the result of `to_json`."""
        return cls(CRS.from_string(value["crs"]), Affine(*value["transform"]), value["width"], value["height"])

    def to_json(self) -> dict[str, Any]:
        """Return plain values, including the pixel size for readers."""
        transform = list(self.transform)[:6]
        return {
            "crs": _crs_text(self.crs), "transform": transform, "width": self.width, "height": self.height,
            "gsd_m": self.gsd_m,
        }  # fmt: skip

    @property
    def gsd_m(self) -> float:
        """Ground sampling distance in metres: the side of a square with the area of a pixel, which may be rotated."""
        return math.sqrt(abs(self.transform.determinant)) * metres_per_unit(self.crs)

    @property
    def pixel_m(self) -> tuple[float, float]:
        """Width and height of a pixel in metres."""
        metres, t = metres_per_unit(self.crs), self.transform
        return math.hypot(t.a, t.d) * metres, math.hypot(t.b, t.e) * metres

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, as numpy orders them."""
        return self.height, self.width

    @property
    def extent(self) -> shapely.Polygon:
        """The extent of the grid in its pixel coordinates."""
        return shapely.box(0, 0, self.width, self.height)

    @property
    def bounds(self) -> Bounds:
        """West, south, east and north in map coordinates, of all four corners."""
        west, south, east, north = self.to_map(self.extent).bounds
        return west, south, east, north

    @property
    def place(self) -> Bounds:
        """The approximate position of the grid in degrees, by which transformations are chosen."""
        return place_of(self.bounds, self.crs)

    @property
    def is_north_up(self) -> bool:
        """Whether rows run from west to east, the first in the north, and pixels are square to a thousandth."""
        t = self.transform
        return t.b == 0 == t.d and t.a > 0 > t.e and math.isclose(t.a, -t.e, rel_tol=ALIGNED_PX)

    def crop(self, window: Window) -> Self:
        """Return the grid of a window of this grid, which may reach beyond it."""
        transform = self.transform @ Affine.translation(window.col_off, window.row_off)
        return type(self)(self.crs, transform, int(window.width), int(window.height))

    def coarser(self, step: int) -> Self:
        """Return the grid whose pixels are `step` x `step` pixels of this one; a remainder is left out."""
        return type(self)(self.crs, self.transform @ Affine.scale(step), self.width // step, self.height // step)

    def moved(self, east: float, north: float) -> Self:
        """Return the grid moved on the map, in map units."""
        return type(self)(self.crs, Affine.translation(east, north) @ self.transform, self.width, self.height)

    def blocks(self, side_px: int | None = None) -> Iterator[Window]:
        """Yield the square blocks of the grid, row by row, clipped at its end; by default those of its file."""
        yield from blocks(Window(0, 0, self.width, self.height), side_px or BLOCK_PX)

    def blocks_with(self, rows: np.ndarray, columns: np.ndarray) -> Iterator[tuple[Window, np.ndarray]]:
        """Yield the blocks of the grid that contain pixels of a list, each with the places of its pixels in the list.

        Args:
            rows: N int, of the pixels; all inside the grid.
            columns: N int.
        """
        keys = np.stack([rows, columns]) // BLOCK_PX
        for row, column in np.unique(keys, axis=1).T:
            window = self.clip(Window(int(column) * BLOCK_PX, int(row) * BLOCK_PX, BLOCK_PX, BLOCK_PX))
            yield window, np.flatnonzero((keys[0] == row) & (keys[1] == column))

    def around(self, window: Window, margin_px: int) -> tuple[Window, tuple[slice, slice]]:
        """Return a window grown by a margin as far as the grid reaches, and rows and columns of the window in it."""
        wide = self.clip(
            Window(
                window.col_off - margin_px, window.row_off - margin_px,
                window.width + 2 * margin_px, window.height + 2 * margin_px,
            )
        )  # fmt: skip
        row, column = window.row_off - wide.row_off, window.col_off - wide.col_off
        return wide, np.s_[row : row + window.height, column : column + window.width]

    def clip(self, window: Window) -> Window:
        """Return the part of a window inside the grid; of size 0 if there is none."""
        left, top = max(window.col_off, 0), max(window.row_off, 0)
        right = min(window.col_off + window.width, self.width)
        bottom = min(window.row_off + window.height, self.height)
        return Window(left, top, max(right - left, 0), max(bottom - top, 0))

    def window_of(self, bounds: Bounds) -> Window:
        """Return the smallest window of whole pixels that contains a box of map coordinates, even beyond the grid."""
        return area_window(self.from_map(shapely.box(*bounds)))

    def to_map(self, areas: Areas) -> Areas:
        """Transform areas from pixel coordinates to map coordinates."""
        return move(areas, lambda x, y: self.transform @ (x, y))

    def from_map(self, areas: Areas) -> Areas:
        """Transform areas from map coordinates to pixel coordinates."""
        inverse = ~self.transform
        return move(areas, lambda x, y: inverse @ (x, y))

    def to_crs(self, areas: Areas, crs: System) -> Areas:
        """Transform areas from pixel coordinates to the map coordinates of a CRS; edges that bend are followed."""
        if self.crs == crs:
            return self.to_map(areas)
        return reproject(self.to_map(shapely.segmentize(areas, SEGMENT_PX)), self.crs, crs, self.place)

    def side_in(self, crs: CRS) -> float:
        """Return the side of a square pixel in units of another CRS that keeps the number of pixels on the diagonal."""
        first, last = self.to_crs(shapely.points([(0, 0), (self.width, self.height)]), crs)
        return first.distance(last) / math.hypot(self.width, self.height)

    def seen_from(self, other: "Grid", areas: Areas) -> Areas:
        """Transform areas from pixel coordinates to those of another grid."""
        return other.from_map(self.to_crs(areas, other.crs))

    def matches(self, other: "Grid") -> bool:
        """Return whether two grids have the same pixels, to a hundredth of a pixel."""
        return self.shape == other.shape and self._apart_px(other, (0, 0)) <= SAME_PX

    def aligned_with(self, other: "Grid", within_px: float = ALIGNED_PX) -> bool:
        """Return whether each pixel of another grid is a pixel of this one, or of its continuation.

        Args:
            other: the grid to compare.
            within_px: pixels that are further apart are different pixels.
        """
        step = ~self.transform @ other.transform
        return self._apart_px(other, (round(step.c), round(step.f))) < within_px

    def require(self, other: "Grid", own: str, name: str) -> None:
        """Raise a DataError that names both unless another grid has the same pixels.

        Args:
            other: the grid that this one must match.
            own: name of the data on this grid, for the message.
            name: name of the data on the other grid.
        """
        if not self.matches(other):
            one, two = (f"{grid.shape}, {grid.crs}, {grid.transform.to_gdal()}" for grid in (self, other))
            raise DataError(f"{own} and {name} are on different grids ({one} and {two}); bring them to one grid")

    def _apart_px(self, other: "Grid", origin: tuple[int, int]) -> float:
        """Return the largest distance of corners of another grid from those with its first pixel at `origin`."""
        if self.crs != other.crs:
            return math.inf
        step = ~self.transform @ other.transform
        corners = np.array([(0, 0), (other.width, 0), (0, other.height), (other.width, other.height)], np.float64)
        found = np.stack(step @ (corners[:, 0], corners[:, 1]), axis=1)
        return float(np.abs(found - corners - origin).max())


def blocks(window: Window, side_px: int) -> Iterator[Window]:
    """Yield the square blocks of a window from its first pixel on, row by row, clipped at its end."""
    left, top = int(window.col_off), int(window.row_off)
    right, bottom = left + int(window.width), top + int(window.height)
    for row in range(top, bottom, side_px):
        for column in range(left, right, side_px):
            yield Window(column, row, min(side_px, right - column), min(side_px, bottom - row))


def _crs_text(crs: CRS) -> str:
    """Return the EPSG code of a CRS if it is equivalent, else WKT2: codes drop a shift of the datum (TOWGS84)."""
    short = crs.to_string()
    return short if short.startswith("EPSG:") and CRS.from_string(short) == crs else crs.to_wkt(version="WKT2_2019")

"""Polygons in pixel coordinates (x = column, y = row), and the pixels of windows inside them."""

from collections.abc import Iterable, Iterator
from threading import Lock

import numpy as np
import shapely
from affine import Affine
from rasterio.features import geometry_mask, rasterize, shapes
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.io.projections import Areas

BURNING = Lock()  # rasterio silences a warning while it burns shapes, in all threads


def window_box(window: Window) -> shapely.Polygon:
    """Return the outline of a window."""
    left, top = window.col_off, window.row_off
    return shapely.box(left, top, left + window.width, top + window.height)


def area_window(area: BaseGeometry) -> Window:
    """Return the smallest window of whole pixels that contains an area; of size 0 if the area is empty."""
    if area.is_empty:
        return Window(0, 0, 0, 0)
    west, north, east, south = area.bounds
    col, row = int(np.floor(west)), int(np.floor(north))
    return Window(col, row, int(np.ceil(east)) - col, int(np.ceil(south)) - row)


def area_mask(area: BaseGeometry, window: Window, step: int = 1) -> np.ndarray:
    """Return which pixel centres of a window are inside an area, HxW bool.

    Args:
        area: polygon; may be empty.
        window: part of the grid.
        step: side of the squares of pixels that count as one, by the centre of each.
    """
    shape = _shape(window, step)
    if area.is_empty:
        return np.zeros(shape, bool)
    with BURNING:
        return geometry_mask([area], shape, transform=_place(window, step), invert=True)


def in_window(areas: Areas, window: Window, step: int = 1) -> Areas:
    """Return areas relative to the corner of a window, in squares of `step` x `step` pixels."""
    corner = (window.col_off, window.row_off)
    return shapely.transform(areas, lambda xy: (xy - corner) / step)


def burn(areas: Iterable[tuple[BaseGeometry, int]], window: Window, dtype: str, step: int = 1) -> np.ndarray:
    """Return the number of the last area that contains the centre of each pixel of a window, HxW, 0 if none does.

    Args:
        areas: polygons with their numbers.
        window: part of the grid.
        dtype: numpy name of an integer type.
        step: see `area_mask`.
    """
    if not (numbered := list(areas)):
        return np.zeros(_shape(window, step), dtype)
    with BURNING:
        return rasterize(numbered, _shape(window, step), transform=_place(window, step), dtype=dtype)


def outlines(labels: np.ndarray, window: Window, step: int = 1) -> Iterator[tuple[BaseGeometry, int]]:
    """Yield the outlines of regions of pixels that share edges and a number above 0, exact for any window.

    Args:
        labels: HxW int.
        window: the position of the pixels.
        step: see `area_mask`.
    """
    for outline, number in shapes(labels, mask=labels > 0, transform=_place(window, step)):
        yield shapely.geometry.shape(outline), int(number)


def _shape(window: Window, step: int) -> tuple[int, int]:
    return -(-int(window.height) // step), -(-int(window.width) // step)


def _place(window: Window, step: int) -> Affine:
    return Affine.translation(window.col_off, window.row_off) @ Affine.scale(step)

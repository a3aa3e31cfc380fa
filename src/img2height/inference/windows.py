"""Positions and blending weights of the windows of a prediction."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

WEIGHT_STEPS = 2**14  # of 1: float64 holds the products with float32 heights, so equal heights blend to the same height
EDGE_SHARE = 0.25  # of an overlap, on each side


@dataclass(frozen=True)
class WindowGrid:
    """Square windows that cover a raster with overlaps.

    Attributes:
        window_px: side of a window.
        rows: first row of each row of windows, ascending.
        columns: first column of each column of windows, ascending.
    """

    window_px: int
    rows: np.ndarray
    columns: np.ndarray

    @classmethod
    def over(cls, shape: tuple[int, int], window_px: int, overlap: float, multiple: int) -> "WindowGrid":
        """Return the windows of a raster.

        Args:
            shape: rows and columns of the raster.
            window_px: side of a window, a multiple of `multiple`.
            overlap: smallest share of a window that its neighbour also covers, 0 to below 1.
            multiple: the network's tile multiple in pixels; all windows start at multiples of it.
        """
        stride_px = max(multiple, int(window_px * (1 - overlap)) // multiple * multiple)
        return cls(window_px, *(window_origins(size, window_px, stride_px, multiple) for size in shape))

    def touching(self, area: BaseGeometry | None) -> list[tuple[int, np.ndarray]]:
        """Return the windows that contain a pixel centre of an area: row index and its column indexes, no empty rows.

        Args:
            area: polygon in pixel coordinates (x = column, y = row); None takes every window.
        """
        first_x, first_y = np.meshgrid(self.columns + 0.5, self.rows + 0.5)
        last_x, last_y = first_x + self.window_px - 1, first_y + self.window_px - 1
        if area is None:
            touched = np.ones(first_x.shape, bool)  # rows x columns
        else:
            shapely.prepare(area)
            touched = shapely.intersects(area, shapely.box(first_x, first_y, last_x, last_y))
        return [(int(row), np.flatnonzero(touched[row])) for row in np.flatnonzero(touched.any(axis=1))]


def window_origins(size_px: int, window_px: int, stride_px: int, multiple: int) -> np.ndarray:
    """Return the first pixel of each window along one axis, int64, all multiples of `multiple`.

    The last window is shifted back so that it ends at the end of the axis, rounded up to the multiple: pixels beyond
    the raster are filled by the reader. Index unpooling is not equivariant to other shifts, hence the multiple.

    Args:
        size_px: pixels of the axis.
        window_px: side of a window, a multiple of `multiple`.
        stride_px: distance of regular windows, a multiple of `multiple`.
        multiple: the network's tile multiple.
    """
    last = max(window_px, -(-size_px // multiple) * multiple) - window_px
    return np.append(np.arange(0, last, stride_px), last)


def blending_weights(origins: np.ndarray, window_px: int) -> np.ndarray:
    """Return the weight of each pixel of each window along one axis, windows x window_px, float64.

    Each window fades in over the overlap with the previous one, which fades out by the same numbers: weights are
    differences of successive ramps, so they are never negative and sum to exactly 1 at every pixel, even where a
    shifted last window makes three overlap. The outer quarters of an overlap are left to the window that extends
    further around them, because the network's zero padding disturbs the edges of a window, which would show as a grid.
    Linear ramps are those of ResDepth, https://arxiv.org/abs/2106.08107, where they cover the whole overlap.

    Args:
        origins: first pixel of each window, ascending, without gaps.
        window_px: side of a window.
    """
    pixels = origins[:, None] + np.arange(window_px) + 0.5  # windows x window_px, pixel centres
    trim = EDGE_SHARE * (origins[:-1] + window_px - origins[1:])  # overlap with the previous window
    starts, ends = origins[1:] + trim, origins[:-1] + window_px - trim
    weights = np.ones(pixels.shape)
    weights[1:] = _ramp(pixels[1:], starts, ends)
    weights[:-1] -= _ramp(pixels[:-1], starts, ends)
    return weights


def _ramp(pixels: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return 0 before the start, 1 after the end and a rounded straight line between them; no overlap gives a step."""
    length = np.maximum(ends - starts, 0.5)  # half a pixel: centres lie that far from a step
    share = (pixels - starts[:, None]) / length[:, None]
    return np.round(np.clip(share, 0, 1) * WEIGHT_STEPS) / WEIGHT_STEPS

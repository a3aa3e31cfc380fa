"""Fills the holes of a surface model from their rims, and holes beside walls from the low rim."""

import itertools

import numpy as np
from rasterio.fill import fillnodata
from scipy import ndimage

SEARCH_PX = 100  # largest distance of a hole pixel to the heights that fill it
EDGE_PX = 8  # reach beyond the border of a surface
STEP_M = 3.0  # a rim that is this much higher than the opposite one is a wall: one storey
REACH_PX = 2 * SEARCH_PX + 2  # pixels further away have no influence: the margin of block-wise filling


def fill_holes(heights_m: np.ndarray, *, walls: bool = True) -> np.ndarray:
    """Return the surface with interpolated holes, HxW float32 metres, NaN where nothing was filled.

    A hole pixel has heights on two opposite sides within twice `SEARCH_PX`. Pixels outside the surface are not holes;
    they are filled up to `EDGE_PX` from it.

    Holes of stereo matching lie next to walls, where one of the images does not see the ground. Interpolation
    from all sides would turn the street into a ramp, so the upper rim is lowered to the lowest one across the hole.
    In between, the nearest heights are weighted by inverse distance; see `weighted_nearest`.

    Args:
        heights_m: HxW float32 metres, NaN where missing.
        walls: the upper rim of a hole may be a wall; a terrain has none, only slopes.
    """
    valid = np.isfinite(heights_m)
    if valid.all() or not valid.any():
        return heights_m.copy()
    lowest, enclosed = _across(heights_m, valid)
    low = np.where(valid, np.inf, lowest).astype(np.float32)
    beside = ndimage.minimum_filter(low, 3, mode="nearest")
    upper_rim = valid & (heights_m > beside + STEP_M) & walls
    filled = weighted_nearest(np.where(upper_rim, beside, heights_m), valid, SEARCH_PX)
    inside = enclosed | ndimage.binary_dilation(valid, iterations=EDGE_PX)
    return np.where(valid, heights_m, np.where(inside, filled, np.float32(np.nan)))


def weighted_nearest(heights: np.ndarray, valid: np.ndarray, search_px: int) -> np.ndarray:
    """Return heights with the other pixels filled by the nearest valid ones, weighted by inverse distance, HxW float32.

    GDAL's FillNodata takes them from four quadrants that are not symmetric, which tilts what it fills in a slope. So
    this is the mean over the four mirror images of the raster.

    Args:
        heights: HxW float32.
        valid: HxW bool.
        search_px: pixels without a valid one within this distance are left as they are.
    """
    total = np.zeros(heights.shape)
    for rows, columns in itertools.product((1, -1), repeat=2):
        mirrored = np.s_[::rows, ::columns]
        copy = heights[mirrored].copy()  # GDAL fills in place
        total[mirrored] += fillnodata(copy, valid[mirrored], search_px, temp_file_driver="MEM")
    return (total / 4).astype(np.float32)


def _across(heights_m: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest of the nearest heights in four directions, and where there are heights on two opposite sides.

    Both are HxW; the lowest height is infinite if there is none.
    """
    lowest = np.full(heights_m.shape, np.inf, np.float32)
    enclosed = np.zeros(heights_m.shape, bool)
    for axis in (0, 1):
        sides = np.ones(heights_m.shape, bool)
        for turn in (slice(None), slice(None, None, -1)):
            way = (turn,) if axis == 0 else (slice(None), turn)
            nearest, distance_px = _last_valid(heights_m[way], valid[way], axis)
            np.minimum(lowest[way], nearest, out=lowest[way], where=distance_px <= SEARCH_PX)
            sides[way] &= distance_px <= 2 * SEARCH_PX
        enclosed |= sides
    return lowest, enclosed


def _last_valid(heights_m: np.ndarray, valid: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the last height before each pixel along an axis and its distance in pixels, infinite if none, HxW each."""
    place = np.arange(heights_m.shape[axis]).reshape((-1, 1) if axis == 0 else (1, -1))
    last = np.maximum.accumulate(np.where(valid, place, -1), axis)
    height = np.take_along_axis(heights_m, np.maximum(last, 0), axis)
    return height, np.where(last >= 0, place - last, np.inf)

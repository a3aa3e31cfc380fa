"""Fills the holes of a surface model from their rims, and holes beside walls from the low rim."""

import numpy as np
from rasterio.fill import fillnodata
from scipy import ndimage

SEARCH_PX = 100  # largest distance of a hole pixel to the heights that fill it
STEP_M = 3.0  # a rim that is this much higher than the opposite one is a wall: one storey
REACH_PX = 2 * SEARCH_PX + 2  # pixels further away have no influence: the margin of block-wise filling


def fill_holes(heights_m: np.ndarray) -> np.ndarray:
    """Return the surface with interpolated holes, HxW float32 metres; NaN further than `SEARCH_PX` from any height.

    Holes of stereo matching lie at the foot of walls, where one of the images does not see the ground. Interpolation
    from all sides would turn the street into a ramp, so the upper rim is lowered to the lowest one across the hole.
    In between, the nearest heights of four quadrants are weighted by inverse distance (GDAL's FillNodata).

    Args:
        heights_m: HxW float32 metres, NaN where missing.
    """
    known = np.isfinite(heights_m)
    if known.all() or not known.any():
        return heights_m.copy()
    low = np.where(known, np.inf, _lowest_across(heights_m, known)).astype(np.float32)
    beside = ndimage.minimum_filter(low, 3, mode="nearest")
    upper_rim = known & (heights_m > beside + STEP_M)
    levelled = np.where(upper_rim, beside, heights_m)  # a copy: GDAL fills in place
    filled = fillnodata(levelled, known, SEARCH_PX, temp_file_driver="MEM")
    return np.where(known, heights_m, filled)


def _lowest_across(heights_m: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the lowest of the nearest heights in four directions, HxW; infinite if there is none."""
    lowest = np.full(heights_m.shape, np.inf, np.float32)
    for axis in (0, 1):
        for turn in (slice(None), slice(None, None, -1)):
            way = (turn,) if axis == 0 else (slice(None), turn)
            np.minimum(lowest[way], _last_known(heights_m[way], known[way], axis), out=lowest[way])
    return lowest


def _last_known(heights_m: np.ndarray, known: np.ndarray, axis: int) -> np.ndarray:
    """Return the last height before each pixel along an axis, HxW; infinite if none is within `SEARCH_PX`."""
    place = np.arange(heights_m.shape[axis]).reshape((-1, 1) if axis == 0 else (1, -1))
    last = np.maximum.accumulate(np.where(known, place, -1), axis)
    height = np.take_along_axis(heights_m, np.maximum(last, 0), axis)
    return np.where((last >= 0) & (place - last <= SEARCH_PX), height, np.inf)

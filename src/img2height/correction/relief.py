"""How far heights of a map correlate: blocks in which a correction is tried must be larger."""

import numpy as np

from img2height.correction.features import Map
from img2height.io.rasters import read_heights
from img2height.metrics.correlation import LAGS_PX, CorrelationStatistics

LOOKED_AT = 16  # blocks of the map


def correlation_px(onto: Map) -> float:
    """Return the correlation length of a map in pixels, from blocks that are evenly spread over it.

    It is the longest that can be measured if heights correlate beyond. Of elevations, the slope of each block is left
    out: what counts is how far trees, buildings and banks reach, and every slope would correlate without an end.

    Args:
        onto: the map.
    """
    windows, found = list(onto.grid.blocks()), CorrelationStatistics()
    for number in np.unique(np.linspace(0, len(windows) - 1, LOOKED_AT).round().astype(int)):
        heights_m = read_heights(onto.heights, windows[number]).astype(np.float64)
        found += CorrelationStatistics.from_errors(heights_m if onto.above_ground else without_slope(heights_m))
    length_px = found.length_px()
    return float(LAGS_PX[-1]) if length_px is None else length_px


def without_slope(heights_m: np.ndarray) -> np.ndarray:
    """Return heights above the plane that fits them best.

    Args:
        heights_m: HxW float64 metres, NaN where missing.
    """
    rows, columns = np.nonzero(~np.isnan(heights_m))
    above = heights_m.copy()
    if len(rows):
        terms = np.column_stack([rows, columns, np.ones(len(rows))])
        level, *_ = np.linalg.lstsq(terms, heights_m[rows, columns], rcond=None)
        above[rows, columns] -= terms @ level
    return above

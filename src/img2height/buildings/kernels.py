"""The loops over pixels that divide regions into buildings, compiled as those of `metrics.kernels`."""

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def median_inside(values: np.ndarray, labels: np.ndarray, radius: int) -> np.ndarray:
    """Return the median of the valid values of a pixel's own label around it, HxW float32.

    Pixels count in pairs opposite each other, so that slopes are as steep at the edge of a label as inside. NaN outside
    labels, and where no value counts.

    Args:
        values: HxW float32, NaN where missing.
        labels: HxW int32, 0 outside.
        radius: of the square around a pixel, in pixels.
    """
    height, width = labels.shape
    out = np.full((height, width), np.nan, np.float32)
    found = np.empty((2 * radius + 1) ** 2, np.float32)
    for row in range(height):
        for column in range(width):
            own = labels[row, column]
            if own == 0:
                continue
            down, right = min(radius, row, height - 1 - row), min(radius, column, width - 1 - column)
            count = 0
            for y in range(-down, down + 1):
                for x in range(-right, right + 1):
                    if labels[row + y, column + x] == own and labels[row - y, column - x] == own:
                        count = _insert(found, count, values[row + y, column + x])
            if count:
                out[row, column] = (found[count // 2] + found[(count - 1) // 2]) / 2
    return out


@njit(nogil=True)
def _insert(ascending: np.ndarray, count: int, value: float) -> int:
    """Insert a value into the first `count` of an array, unless it is NaN, and return how many they are now."""
    if math.isnan(value):
        return count
    k = count
    while k > 0 and ascending[k - 1] > value:
        ascending[k] = ascending[k - 1]
        k -= 1
    ascending[k] = value
    return count + 1


@njit(cache=True, nogil=True, error_model="numpy")
def steps_inside(values: np.ndarray, labels: np.ndarray, reach: int, run: int) -> np.ndarray:
    """Return the larger of the steps in the values across rows and across columns, HxW float32.

    A step is what remains of the difference across a pixel when the slope on either side is continued: nothing on a
    pitched roof, at its ridge or in its valley. The smaller remainder counts, and none if they differ in sign. NaN
    where the label has no values on both sides.

    Args:
        values: HxW float32, NaN where missing.
        labels: HxW int32, 0 outside; values of other labels do not count.
        reach: pixels to either side between which the difference is taken.
        run: pixels beyond them over which the slope is taken.
    """
    height, width = labels.shape
    out = np.full((height, width), np.nan, np.float32)
    far = reach + run
    for row in range(height):
        for column in range(width):
            own = labels[row, column]
            if own == 0:
                continue
            across = along = math.nan
            if far <= column < width - far:
                a, b, c, d = column - far, column - reach, column + reach, column + far
                if labels[row, a] == own and labels[row, b] == own and labels[row, c] == own and labels[row, d] == own:
                    across = _step(values[row, a], values[row, b], values[row, c], values[row, d], reach, run)
            if far <= row < height - far:
                a, b, c, d = row - far, row - reach, row + reach, row + far
                if (
                    labels[a, column] == own and labels[b, column] == own
                    and labels[c, column] == own and labels[d, column] == own
                ):  # fmt: skip
                    along = _step(
                        values[a, column], values[b, column], values[c, column], values[d, column], reach, run
                    )
            out[row, column] = along if math.isnan(across) or along > across else across
    return out


@njit(nogil=True, error_model="numpy")
def _step(a: float, b: float, c: float, d: float, reach: int, run: int) -> float:
    """Return the step between b and c, where a and d are the next values on either side, NaN if one is missing."""
    before, after = c - b - 2 * reach * (b - a) / run, c - b - 2 * reach * (d - c) / run
    if math.isnan(before + after):
        return math.nan
    return min(abs(before), abs(after)) if before * after > 0 else 0.0

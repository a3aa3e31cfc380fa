"""The loops over pixels that divide regions into buildings, compiled as those of `metrics.kernels`.

Each has the two loops of its own: numba never frees an array that was given to a generator (its issue 1807).
"""

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
    """Return the steps in the values at each pixel, from row to row and from column to column, 2xHxW float32.

    A step is what remains of the difference across a pixel when the slope on either side is continued: nothing on a
    pitched roof, at its ridge or in its valley. The smallest of the difference and both remainders counts, and none if
    they differ in sign. NaN where the label has no values on both sides.

    Args:
        values: HxW float32, NaN where missing.
        labels: HxW int32, 0 outside; values of other labels do not count.
        reach: pixels to either side between which the difference is taken.
        run: pixels beyond them over which the slope is taken.
    """
    height, width = labels.shape
    out = np.full((2, height, width), np.nan, np.float32)
    far = reach + run
    for row in range(height):
        for column in range(width):
            own = labels[row, column]
            if own == 0:
                continue
            if far <= row < height - far:
                a, b, c, d = row - far, row - reach, row + reach, row + far
                if (
                    labels[a, column] == own and labels[b, column] == own
                    and labels[c, column] == own and labels[d, column] == own
                ):  # fmt: skip
                    out[0, row, column] = _step(
                        values[a, column], values[b, column], values[c, column], values[d, column], reach, run
                    )
            if far <= column < width - far:
                a, b, c, d = column - far, column - reach, column + reach, column + far
                if labels[row, a] == own and labels[row, b] == own and labels[row, c] == own and labels[row, d] == own:
                    out[1, row, column] = _step(
                        values[row, a], values[row, b], values[row, c], values[row, d], reach, run
                    )
    return out


@njit(nogil=True, error_model="numpy")
def _step(a: float, b: float, c: float, d: float, reach: int, run: int) -> float:
    """Return the step between b and c, where a and d are the next values on either side, NaN if one is missing."""
    rise = c - b
    before, after = rise - 2 * reach * (b - a) / run, rise - 2 * reach * (d - c) / run
    if math.isnan(before + after):
        return math.nan
    if before * after <= 0 or before * rise <= 0:
        return 0.0
    return math.copysign(min(abs(rise), abs(before), abs(after)), rise)


@njit(cache=True, nogil=True)
def strongest_inside(steps: np.ndarray, labels: np.ndarray, radius: int) -> np.ndarray:
    """Return the larger size of the two steps at each pixel, HxW float32, each a mean along the wall that it would be.

    NaN outside labels, and where there is no step to average.

    Args:
        steps: as `steps_inside` returns them.
        labels: HxW int32, 0 outside; steps of other labels do not count.
        radius: pixels on either side over which a step is averaged, across its own direction.
    """
    height, width = labels.shape
    out = np.full((height, width), np.nan, np.float32)
    for row in range(height):
        for column in range(width):
            own = labels[row, column]
            if own == 0:
                continue
            for axis in range(2):
                if math.isnan(steps[axis, row, column]):
                    continue
                total, count = 0.0, 0
                for k in range(-radius, radius + 1):
                    y, x = (row, column + k) if axis == 0 else (row + k, column)
                    if 0 <= y < height and 0 <= x < width and labels[y, x] == own and not math.isnan(steps[axis, y, x]):
                        total += steps[axis, y, x]
                        count += 1
                size = abs(total / count)
                if math.isnan(out[row, column]) or size > out[row, column]:
                    out[row, column] = size
    return out


@njit(cache=True, nogil=True)
def dips_inside(values: np.ndarray, labels: np.ndarray, reach: int) -> np.ndarray:
    """Return by how much each value is below those on both sides, across rows or columns, HxW float32.

    Missing values count as 0. NaN outside labels.

    Args:
        values: HxW float32 of 0 or more, NaN where missing.
        labels: HxW int32, 0 outside; values of other labels count as 0.
        reach: pixels on either side whose largest value counts.
    """
    height, width = labels.shape
    out = np.full((height, width), np.nan, np.float32)
    for row in range(height):
        for column in range(width):
            own = labels[row, column]
            if own == 0:
                continue
            deepest = 0.0
            for axis in range(2):
                highest = [0.0, 0.0]
                for side in range(2):
                    for k in range(1, reach + 1):
                        move = k if side else -k
                        y, x = (row + move, column) if axis == 0 else (row, column + move)
                        if 0 <= y < height and 0 <= x < width and labels[y, x] == own and values[y, x] > highest[side]:
                            highest[side] = values[y, x]
                here = 0.0 if math.isnan(values[row, column]) else values[row, column]
                deepest = max(deepest, min(highest[0], highest[1]) - here)
            out[row, column] = deepest
    return out

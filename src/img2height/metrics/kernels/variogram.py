"""The variogram of a tile along some of its rows and columns."""

import numpy as np
from numba import njit

compiled = njit(nogil=True, error_model="numpy", fastmath={"contract"})


@njit(cache=True, nogil=True, error_model="numpy")
def add_up(
    predicted: np.ndarray, truth: np.ndarray, tile_px: int, line_step: int, lags: np.ndarray, pixels: np.ndarray,
    sums: np.ndarray, pairs: np.ndarray, differences: np.ndarray,
) -> None:  # fmt: skip
    """Write the sums of each tile.

    Args:
        predicted: HxW float metres, NaN where missing.
        truth: HxW float metres, NaN where missing.
        tile_px: side of the tiles, which are numbered row by row.
        line_step: every how many rows and columns to use.
        lags: L distances in pixels, int64.
        pixels: T int64, valid errors.
        sums: T x 2 float64, the sum of the errors and of their squares.
        pairs: T x L int64, pairs of valid errors on a line by lag.
        differences: T x L float64, their squared differences.
    """
    tile = 0
    for top in range(0, predicted.shape[0], tile_px):
        for left in range(0, predicted.shape[1], tile_px):
            height, width = min(tile_px, predicted.shape[0] - top), min(tile_px, predicted.shape[1] - left)
            pixels[tile], sums[tile, 0], sums[tile, 1] = _add_tile(
                predicted, truth, top, left, height, width, line_step, lags, pairs[tile], differences[tile]
            )
            tile += 1


@compiled
def _add_tile(
    predicted: np.ndarray, truth: np.ndarray, top: int, left: int, height: int, width: int, line_step: int,
    lags: np.ndarray, pairs: np.ndarray, sums: np.ndarray,
) -> tuple[int, float, float]:  # fmt: skip
    """Write pairs and squared differences of a tile by lag; return number, sum and sum of squares of its errors."""
    rows, columns = (height + line_step - 1) // line_step, (width + line_step - 1) // line_step
    along, down = np.empty((rows, width)), np.empty((height, columns))
    error, pixels, total, squares = np.empty(width), np.zeros(width, np.int64), np.zeros(width), np.zeros(width)
    for row in range(height):
        some_predicted, some_truth = predicted[top + row, left : left + width], truth[top + row, left : left + width]
        for column in range(width):
            error[column] = np.float64(some_predicted[column]) - np.float64(some_truth[column])
            valid = error[column] == error[column]
            pixels[column] += valid
            total[column] += error[column] if valid else 0.0
            squares[column] += error[column] * error[column] if valid else 0.0
        for column in range(columns):
            down[row, column] = error[column * line_step]
        if row % line_step == 0:
            along[row // line_step] = error
    for k in range(len(lags)):
        pairs[k], sums[k] = 0, 0.0
        if lags[k] < width:
            _add_differences(along, 0, lags[k], pairs, sums, k)
        if lags[k] < height:
            _add_differences(down, lags[k], 0, pairs, sums, k)
    return pixels.sum(), total.sum(), squares.sum()


@compiled
def _add_differences(lines: np.ndarray, down: int, right: int, pairs: np.ndarray, sums: np.ndarray, k: int) -> None:
    """Add the pairs of errors that are so many rows and columns apart."""
    height, width = lines.shape[0] - down, lines.shape[1] - right
    valid, squares = np.zeros(width, np.int64), np.zeros(width)  # by column, so that the order of the sum is fixed
    for row in range(height):
        here, there = lines[row], lines[row + down, right:]
        for column in range(width):
            difference = there[column] - here[column]
            both = difference == difference
            valid[column] += both
            squares[column] += difference * difference if both else 0.0
    pairs[k] += valid.sum()
    sums[k] += squares.sum()

"""Structural similarity, row by row: no complete image of means is kept in memory."""

import numpy as np
from numba import njit

TAPS = 11  # known to the compiler, which unrolls the loops over them
VECTOR = 8
RECENT = TAPS + 1  # rows that are kept: enough for two rows of windows, which share all but two
compiled = njit(nogil=True, error_model="numpy", fastmath={"contract"})  # fused multiply-add halves the time


@njit(cache=True, nogil=True, error_model="numpy")
def mean_similarities(
    x: np.ndarray, y: np.ndarray, tile_px: int, wanted: np.ndarray, taps: np.ndarray, c1: float, c2: float,
) -> np.ndarray:  # fmt: skip
    """Return the mean similarity of each tile over its windows without missing pixels, T float64, NaN without any.

    Args:
        x: HxW float metres, NaN where missing.
        y: HxW float metres, NaN where missing.
        tile_px: side of the tiles, which are numbered row by row.
        wanted: T bool, the tiles to compute.
        taps: weights of a window along one axis, `TAPS` float64.
        c1: constant of the means.
        c2: constant of the variances.
    """
    found, tile = np.full(len(wanted), np.nan), 0
    for top in range(0, x.shape[0], tile_px):
        for left in range(0, x.shape[1], tile_px):
            height, width = min(tile_px, x.shape[0] - top), min(tile_px, x.shape[1] - left)
            if wanted[tile] and min(height, width) >= TAPS:
                found[tile] = _mean_similarity(x, y, top, left, height, width, taps, c1, c2)
            tile += 1
    return found


@compiled
def _mean_similarity(
    x: np.ndarray, y: np.ndarray, top: int, left: int, height: int, width: int, taps: np.ndarray, c1: float,
    c2: float,
) -> float:  # fmt: skip
    across = width - TAPS + 1
    padded = (across + VECTOR - 1) // VECTOR * VECTOR  # an incomplete vector would take as long as a few full ones
    line, means = np.zeros((4, padded + TAPS - 1)), np.empty((2, 4, padded))
    recent = np.zeros(
        (2 * RECENT, 4, padded)
    )  # rows averaged along themselves, stored twice to keep the last ones in order
    totals, windows = np.zeros(across), np.zeros(across, np.int64)
    for row in range(height):
        some_x, some_y = x[top + row, left : left + width], y[top + row, left : left + width]
        for column in range(width):
            p, r = np.float64(some_x[column]), np.float64(some_y[column])
            line[0, column], line[1, column], line[2, column], line[3, column] = p, r, p * r, p * p + r * r
        for k in range(4):
            for column in range(padded):
                mean = 0.0
                for tap in range(TAPS):
                    mean += taps[tap] * line[k, column + tap]
                recent[row % RECENT, k, column] = recent[row % RECENT + RECENT, k, column] = mean
        number = row - TAPS + 2  # of the row of windows that this row completes
        if number < 1 or (number % 2 == 1 and row < height - 1):
            continue
        first = (row + 1) % RECENT
        for k in range(4):
            for column in range(padded):
                upper = taps[0] * recent[first, k, column]
                lower = taps[TAPS - 1] * recent[first + TAPS, k, column]
                for tap in range(1, TAPS):
                    upper += taps[tap] * recent[first + tap, k, column]
                    lower += taps[tap - 1] * recent[first + tap, k, column]
                means[0, k, column], means[1, k, column] = upper, lower
        for of in range(number % 2, 2):  # the last row may have no partner
            _add_similarities(means[of], across, c1, c2, totals, windows)
    return totals.sum() / windows.sum()


@compiled
def _add_similarities(
    means: np.ndarray, across: int, c1: float, c2: float, totals: np.ndarray, windows: np.ndarray,
) -> None:  # fmt: skip
    """Add the similarities of a row of windows by column, from the means of x, y, x y, and x x + y y."""
    for column in range(across):
        product = means[0, column] * means[1, column]
        squares = means[0, column] * means[0, column] + means[1, column] * means[1, column]
        covariance, variances = means[2, column] - product, means[3, column] - squares
        value = (2 * product + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))
        whole = value == value
        totals[column] += value if whole else 0.0
        windows[column] += whole

"""Pixel counts of building masks by tile and outcome."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def count(
    predicted: np.ndarray, reference: np.ndarray, inside: np.ndarray, tile_px: int, building: int, other: int,
    counts: np.ndarray,
) -> None:  # fmt: skip
    """Add the pixels of a block to the counts of their tiles.

    Args:
        predicted: HxW uint8.
        reference: HxW uint8.
        inside: HxW bool, pixels to count.
        tile_px: side of the tiles, which are numbered row by row.
        building: the value for building.
        other: the value for not building.
        counts: T x 5 int64: true positives, false positives, false negatives, true negatives, not predicted; changed.
    """
    height, width = predicted.shape
    across = (width + tile_px - 1) // tile_px
    for row in range(height):
        for left in range(0, width, tile_px):
            here, tile = slice(left, left + tile_px), row // tile_px * across + left // tile_px
            _add(predicted[row, here], reference[row, here], inside[row, here], building, other, counts[tile])


@njit(nogil=True)
def _add(
    predicted: np.ndarray, reference: np.ndarray, inside: np.ndarray, building: int, other: int, counts: np.ndarray,
) -> None:  # fmt: skip
    """Add the pixels of a row of a tile."""
    tp = fp = fn = tn = valid = 0
    for k in range(len(inside)):
        there, none = reference[k] == building, reference[k] == other
        hit, miss = predicted[k] == building, predicted[k] == other
        tp += inside[k] & there & hit
        fp += inside[k] & none & hit
        fn += inside[k] & there & miss
        tn += inside[k] & none & miss
        valid += inside[k] & (there | none)
    counts[0] += tp
    counts[1] += fp
    counts[2] += fn
    counts[3] += tn
    counts[4] += valid - tp - fp - fn - tn

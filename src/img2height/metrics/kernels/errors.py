"""Sums of height errors by tile and stratum, in whole numbers: the inner loop of all scores.

The pixels of a tile are first sorted by land-cover kind. Each kind is summed once, in loops that the compiler turns
into vector instructions, and then added to its strata.
"""

import math

import numpy as np
from numba import njit

compiled = njit(nogil=True, error_model="numpy")
AT_ONCE = 2**16  # pixels of a tile; with more than 2**20 the sums of digits might overflow
CHUNK = 1024  # pixels whose intermediate values stay in the L1 cache
MISSING, SCORED, HIGH = range(3)  # pixels without prediction, with one, and with ratios
COUNTS = 6  # number of counts before the digits: see `block.BlockSums`
# The package's constants again, because this file is self-contained; a test keeps them equal.
FRACTION_BITS, DIGIT_BITS, DIGITS = 30, 21, 5
BIN_M, LIMIT_BIN = 0.001, 500_000
DELTA_BASE, LEAST_PREDICTION_M = 1.25, 1e-3
SCALE, MASK, LOG10_E = 2.0**FRACTION_BITS, 2**DIGIT_BITS - 1, 1 / math.log(10)


@njit(cache=True, nogil=True, error_model="numpy")
def sum_tiles(
    predicted: np.ndarray, truth: np.ndarray, kinds: np.ndarray, strata: np.ndarray, tile_px: int,
    ratio_min_height_m: float, coarse_of: np.ndarray, sums: np.ndarray, coarse: np.ndarray, extremes: np.ndarray,
    fine: np.ndarray, owners: np.ndarray,
) -> None:  # fmt: skip
    """Add the pixels of a block to the sums of their tiles and strata.

    Args:
        predicted: HxW float metres, NaN where missing.
        truth: HxW float metres, NaN where a pixel does not count.
        kinds: HxW uint16, the land-cover kind.
        strata: uint32 by kind, bit k is set if the kind belongs to stratum k.
        tile_px: side of the tiles, which are numbered row by row.
        ratio_min_height_m: ratios are computed where the reference is above this.
        coarse_of: the coarse bin of each fine bin, int16.
        sums: T x S x F int64, see `block.BlockSums`; changed in place, as are all following arguments.
        coarse: T x S x B int32, pixels by coarse bin.
        extremes: T x S x 2 float64, smallest and largest error.
        fine: R x `BINS` int64, pixels by fine bin: see `ErrorHistograms`.
        owners: R - S uint32.
    """
    height, width = predicted.shape
    across = (width + tile_px - 1) // tile_px
    rows = max(1, AT_ONCE // min(tile_px, width))
    size = min(rows, tile_px, height) * min(tile_px, width)
    place, members, pixels = np.empty(size, np.int32), np.empty(size, np.uint16), np.empty((size, 3), np.int64)
    sorted_predicted, sorted_truth = np.empty(size, predicted.dtype), np.empty(size, truth.dtype)
    table = np.full(len(strata), -1, np.int32)
    for top in range(0, height, tile_px):
        for left in range(0, width, tile_px):
            tile, right = top // tile_px * across + left // tile_px, min(left + tile_px, width)
            for start in range(top, min(top + tile_px, height), rows):
                stop = min(start + rows, top + tile_px, height)
                number = _find_kinds(
                    predicted, truth, kinds, start, stop, left, right, ratio_min_height_m, table, place, members,
                    pixels,
                )  # fmt: skip
                _sort(
                    predicted, truth, start, stop, left, right, number, place, pixels, sorted_predicted, sorted_truth
                )  # fmt: skip
                _sum_kinds(
                    sorted_predicted, sorted_truth, number, members, pixels, strata, coarse_of, place, sums,
                    coarse, extremes, fine, owners, tile,
                )  # fmt: skip


@compiled
def _find_kinds(
    predicted: np.ndarray, truth: np.ndarray, kinds: np.ndarray, top: int, bottom: int, left: int, right: int,
    ratio_min_height_m: float, table: np.ndarray, place: np.ndarray, members: np.ndarray, pixels: np.ndarray,
) -> int:  # fmt: skip
    """Return the number of kinds in a window; `place` holds kind and depth of each pixel, -1 where it has no error."""
    number, k = 0, 0
    for row in range(top, bottom):
        p, r, kinds_here = predicted[row, left:right], truth[row, left:right], kinds[row, left:right]
        for column in range(right - left):
            kind, found = kinds_here[column], -1
            if r[column] == r[column]:
                here = table[kind]
                if here < 0:
                    here = table[kind] = number
                    members[here] = kind
                    pixels[here, MISSING], pixels[here, SCORED], pixels[here, HIGH] = 0, 0, 0
                    number += 1
                scored = np.int64(p[column] == p[column])
                depth = scored * (SCORED + np.int64(r[column] > ratio_min_height_m))
                found = 3 * here + depth if depth != MISSING else -1
                pixels[here, depth] += 1
            place[k] = found
            k += 1
    for here in range(number):
        table[members[here]] = -1
    return number


@compiled
def _sort(
    predicted: np.ndarray, truth: np.ndarray, top: int, bottom: int, left: int, right: int, number: int,
    place: np.ndarray, pixels: np.ndarray, sorted_predicted: np.ndarray, sorted_truth: np.ndarray,
) -> None:  # fmt: skip
    """Write the heights of a window in the order of kind and depth."""
    following, total = np.empty(3 * number, np.int64), 0
    for k in range(number):
        for depth in (SCORED, HIGH):
            following[3 * k + depth] = total
            total += pixels[k, depth]
    k = 0
    for row in range(top, bottom):
        p, r = predicted[row, left:right], truth[row, left:right]
        for column in range(right - left):
            if place[k] >= 0:
                to = following[place[k]]
                sorted_predicted[to], sorted_truth[to] = p[column], r[column]
                following[place[k]] = to + 1
            k += 1


@compiled
def _sum_kinds(
    predicted: np.ndarray, truth: np.ndarray, number: int, members: np.ndarray, pixels: np.ndarray,
    strata: np.ndarray, coarse_of: np.ndarray, place: np.ndarray, sums: np.ndarray, coarse: np.ndarray,
    extremes: np.ndarray, fine: np.ndarray, owners: np.ndarray, tile: int,
) -> None:  # fmt: skip
    """Sum the kinds of a tile, which are stored one after the other, and add each to its strata."""
    total, bins = np.empty(sums.shape[2], np.int64), np.empty(coarse.shape[2], np.int32)
    whole, logs = np.empty(CHUNK, np.int64), np.empty(CHUNK)
    end = 0
    for k in range(number):
        first, bits = end, strata[members[k]]
        high = first + pixels[k, SCORED]
        end = high + pixels[k, HIGH]
        if bits == 0:
            continue
        total[:] = 0
        bins[:] = 0
        total[0], total[1], total[2] = pixels[k, MISSING] + end - first, end - first, end - high
        for start in range(first, end, CHUNK):
            stop = min(start + CHUNK, end)
            _add_errors(predicted[start:stop], truth[start:stop], whole, total)
        for start in range(high, end, CHUNK):
            stop = min(start + CHUNK, end)
            _add_ratios(predicted[start:stop], truth[start:stop], whole, logs, total)
        _carry(total)
        least, largest = _extremes(predicted[first:end], truth[first:end])
        _find_bins(predicted[first:end], truth[first:end], place)
        for each in place[: end - first]:
            bins[coarse_of[each]] += 1
        own = _row_of(bits, owners)
        if own >= 0:
            _count(place[: end - first], fine[sums.shape[1] + own])
        for stratum in range(sums.shape[1]):
            if bits >> stratum & 1:
                _add_to(sums[tile, stratum], total)
                _add_to(coarse[tile, stratum], bins)
                if own < 0:
                    _count(place[: end - first], fine[stratum])
                extremes[tile, stratum, 0] = min(extremes[tile, stratum, 0], least)
                extremes[tile, stratum, 1] = max(extremes[tile, stratum, 1], largest)


@compiled
def _add_errors(predicted: np.ndarray, truth: np.ndarray, whole: np.ndarray, total: np.ndarray) -> None:
    """Add errors, absolute errors and squared errors."""
    number, at = len(predicted), COUNTS
    for k in range(number):
        whole[k] = np.int64(np.rint(_error(predicted, truth, k) * SCALE))
    add(whole, number, total, at)
    for k in range(number):
        whole[k] = abs(whole[k])
    add(whole, number, total, at + DIGITS)
    add_squares(whole, number, total, at + 2 * DIGITS)


@compiled
def _error(predicted: np.ndarray, truth: np.ndarray, k: int) -> float:
    return np.float64(predicted[k]) - np.float64(truth[k])


@compiled
def _find_bins(predicted: np.ndarray, truth: np.ndarray, place: np.ndarray) -> None:
    for k in range(len(predicted)):
        nearest = np.rint(_error(predicted, truth, k) / BIN_M)
        place[k] = np.int32(min(max(nearest, -LIMIT_BIN), LIMIT_BIN)) + LIMIT_BIN


@njit(nogil=True, fastmath={"nnan", "nsz"})
def _extremes(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    least, largest = np.inf, -np.inf
    for k in range(len(predicted)):
        error = _error(predicted, truth, k)
        least, largest = min(least, error), max(largest, error)
    return least, largest


@compiled
def _add_ratios(
    predicted: np.ndarray, truth: np.ndarray, whole: np.ndarray, logs: np.ndarray, total: np.ndarray,
) -> None:  # fmt: skip
    """Add relative errors and their squares, differences of logarithms and their squares; count the deltas."""
    number, at = len(predicted), COUNTS + 3 * DIGITS
    delta1 = delta2 = delta3 = 0
    for k in range(number):
        p, r = np.float64(predicted[k]), np.float64(truth[k])
        whole[k] = np.int64(np.rint(abs(p - r) / r * SCALE))
        logs[k] = max(p, LEAST_PREDICTION_M) / r
        ratio = max(logs[k], r / p if p > 0.0 else np.inf)  # a miss where the prediction is not positive
        delta1 += ratio < DELTA_BASE
        delta2 += ratio < DELTA_BASE**2
        delta3 += ratio < DELTA_BASE**3
    total[3] += delta1
    total[4] += delta2
    total[5] += delta3
    add(whole, number, total, at)
    add_squares(whole, number, total, at + DIGITS)
    for k in range(number):
        logs[k] = math.log(logs[k])
    for k in range(number):
        whole[k] = np.int64(np.rint(abs(logs[k]) * LOG10_E * SCALE))
    add(whole, number, total, at + 2 * DIGITS)
    for k in range(number):
        whole[k] = np.int64(np.rint(logs[k] * SCALE))
    add(whole, number, total, at + 3 * DIGITS)
    for k in range(number):
        whole[k] = abs(whole[k])
    add_squares(whole, number, total, at + 4 * DIGITS)


@compiled
def _row_of(strata: int, owners: np.ndarray) -> int:
    """Return the index of a set of strata among the owners of histograms, or a free one, or -1 if there is none."""
    for place in range(len(owners)):
        if owners[place] == 0:
            owners[place] = strata
        if owners[place] == strata:
            return place
    return -1


@compiled
def _add_to(sums: np.ndarray, values: np.ndarray) -> None:
    for k in range(len(values)):
        sums[k] += values[k]


@compiled
def _count(place: np.ndarray, row: np.ndarray) -> None:
    for each in place:
        row[each] += 1


@compiled
def add(whole: np.ndarray, number: int, total: np.ndarray, at: int) -> None:
    """Add numbers below 2**62 to sums of their digits, starting at an index; the third digit carries the sign."""
    low = middle = high = 0
    for k in range(number):
        low += whole[k] & MASK
        middle += whole[k] >> DIGIT_BITS & MASK
        high += whole[k] >> 2 * DIGIT_BITS
    total[at] += low
    total[at + 1] += middle
    total[at + 2] += high


@compiled
def add_squares(whole: np.ndarray, number: int, total: np.ndarray, at: int) -> None:
    """Add the squares of numbers from 0 to 2**62 to sums of their digits, starting at an index."""
    d0 = d1 = d2 = d3 = d4 = 0
    for k in range(number):
        low, middle, high = whole[k] & MASK, whole[k] >> DIGIT_BITS & MASK, whole[k] >> 2 * DIGIT_BITS
        d0 += low * low
        d1 += 2 * low * middle
        d2 += middle * middle + 2 * low * high
        d3 += 2 * middle * high
        d4 += high * high
    total[at] += d0
    total[at + 1] += d1
    total[at + 2] += d2
    total[at + 3] += d3
    total[at + 4] += d4


@compiled
def _carry(total: np.ndarray) -> None:
    """Bring all digits but the last below 2**21, so that those of many classes and tiles can be added."""
    for at in range(COUNTS, len(total), DIGITS):
        for k in range(at, at + DIGITS - 1):
            total[k + 1] += total[k] >> DIGIT_BITS
            total[k] &= MASK

"""Sums of height errors over a block of tiles, in whole numbers."""

from typing import NamedTuple

import numpy as np

from img2height.errors import DataError
from img2height.metrics.coarse import COARSE_BINS, coarse_of_fine
from img2height.metrics.histogram import ErrorHistograms
from img2height.metrics.sums import DIGITS, FRACTION_BITS

MAX_ERROR_M = 2.0**20
COUNTS = ("reference_pixels", "pixels", "ratio_pixels", "delta1_pixels", "delta2_pixels", "delta3_pixels")
SQUARES = ("square_sum", "relative_square_sum", "log_square_sum")
QUANTITIES = (
    "error_sum", "absolute_sum", "square_sum", "relative_sum", "relative_square_sum", "log10_sum", "log_sum",
    "log_square_sum",
)  # fmt: skip


def fraction_bits(quantity: str) -> int:
    """Return the power of two whose fractions the sum of a quantity counts."""
    return FRACTION_BITS * (2 if quantity in SQUARES else 1)


class BlockSums(NamedTuple):
    """Sums by tile and stratum.

    Attributes:
        counts: T x S x 6 int64, pixels by `COUNTS`.
        digits: T x S x 8 x `DIGITS` int64, the sums by `QUANTITIES`: see `combine`.
        coarse: T x S x `COARSE_BINS` int32, pixels by error.
        extremes_m: T x S x 2, smallest and largest error; infinite and minus infinity where there is none.
    """

    counts: np.ndarray
    digits: np.ndarray
    coarse: np.ndarray
    extremes_m: np.ndarray


def sum_block(
    predicted: np.ndarray,
    truth: np.ndarray,
    kinds: np.ndarray,
    strata: np.ndarray,
    tile_px: int,
    ratio_min_height_m: float,
    histograms: ErrorHistograms,
) -> BlockSums:
    """Return the sums of a block and add its errors to the histograms.

    Args:
        predicted: HxW float metres, NaN where missing.
        truth: HxW float metres, NaN where a pixel does not count.
        kinds: HxW uint16, the land-cover kind.
        strata: uint32 by kind, bit k is set if the kind belongs to stratum k.
        tile_px: side of the tiles.
        ratio_min_height_m: ratios are computed where the reference is above this.
        histograms: of the strata; changed.

    Raises:
        DataError: a value is not a possible height.
    """
    from img2height.metrics.kernels.errors import sum_tiles  # slow to import

    shape = len(tile_slices(predicted.shape, tile_px)), histograms.strata
    sums = np.zeros((*shape, len(COUNTS) + len(QUANTITIES) * DIGITS), np.int64)
    coarse, extremes_m = np.zeros((*shape, COARSE_BINS), np.int32), np.full((*shape, 2), [np.inf, -np.inf])
    limits, found = (tile_px, float(ratio_min_height_m)), (sums, coarse, extremes_m)
    sum_tiles(predicted, truth, kinds, strata, *limits, coarse_of_fine(), *found, histograms.fine, histograms.owners)
    if (worst := max(extremes_m[..., 1].max(), -extremes_m[..., 0].min())) > MAX_ERROR_M:
        raise DataError(f"an error of {worst:g} m is not a possible height error; is nodata -9999 and the unit metres?")
    counts, digits = np.split(sums, [len(COUNTS)], axis=-1)
    return BlockSums(counts, digits.reshape(*shape, len(QUANTITIES), DIGITS), coarse, extremes_m)


def tile_slices(shape: tuple[int, int], tile_px: int) -> list[tuple[slice, slice]]:
    """Return rows and columns of each tile of a block, row by row; tiles at its far edges may be clipped."""
    starts = [range(0, size, tile_px) for size in shape]
    rows, columns = (
        [slice(start, min(start + tile_px, size)) for start in some] for some, size in zip(starts, shape, strict=True)
    )
    return [(row, column) for row in rows for column in columns]

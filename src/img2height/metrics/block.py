"""Sums over a block of tiles: each pixel is added up once, in the class of all strata that it lies in."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from img2height.metrics.coarse import COARSE_BINS, coarse_of_fine
from img2height.metrics.groups import DELTAS, ERROR_SUMS, RATIO_SUMS, error_sums, ratio_sums, require_heights
from img2height.metrics.histogram import fine_bins
from img2height.metrics.strata import STRATA, classify
from img2height.metrics.sums import combine
from img2height.scenes.heights import known

# What ResDepth's program scores, without the pixels whose reference is exactly zero: see `conventions`.
NONZERO = {
    f"{name}_nonzero": name
    for name in ("all", "buildings_dilated", "terrain", "terrain_no_water", "terrain_no_water_forest")
}
NAMES = (*STRATA, *NONZERO)


@dataclass(frozen=True)
class Block:
    """The pixels of one or more tiles.

    Attributes:
        predicted: HxW float32 metres, NaN where missing.
        truth: HxW float32 metres, NaN where unknown.
        counted: HxW bool, known references inside the area.
        nonzero: HxW bool, where the reference is not exactly zero.
        strata: HxW bool by name of `STRATA`.
        tile: HxW int32, the tile that each pixel belongs to.
        tiles: their number T.
    """

    predicted: np.ndarray
    truth: np.ndarray
    counted: np.ndarray
    nonzero: np.ndarray
    strata: dict[str, np.ndarray]
    tile: np.ndarray
    tiles: int


class BlockSums(NamedTuple):
    """Sums by stratum and tile, S x T, in the order of `NAMES`.

    Attributes:
        whole: Python integers by field of `ErrorStatistics`.
        least_m: smallest error, infinite where there is none.
        largest_m: largest error, minus infinity where there is none.
        coarse: S x T x `COARSE_BINS`, pixels by error.
    """

    whole: dict[str, np.ndarray]
    least_m: np.ndarray
    largest_m: np.ndarray
    coarse: np.ndarray


class _Groups:
    """The scored pixels of a block in an order in which those of one class and tile lie together.

    Classes are ordered such that those with ratios come last, and those that are not scored are left out.
    """

    def __init__(self, block: Block, ratio_min_height_m: float):
        scored = block.counted & known(block.predicted)
        high = scored & (block.truth > ratio_min_height_m)
        classes, members = classify([block.counted, scored, high, block.nonzero, *block.strata.values()])
        rank = np.argsort(members[:, :3].sum(axis=1), kind="stable")
        place = np.empty(len(rank), np.int32)
        place[rank] = np.arange(len(rank))
        narrow = np.uint16 if len(rank) * block.tiles <= 2**16 else np.int32  # sixteen bits are sorted by radix
        key = (place[classes] * block.tiles + block.tile).astype(narrow).ravel()
        self.counts = np.bincount(key, minlength=len(rank) * block.tiles).reshape(-1, block.tiles)  # K x T
        self.depth = members[rank, :3].sum(axis=1)  # 1 counted, 2 scored, 3 with ratios
        strata = dict(zip(block.strata, members[rank, 4:].T, strict=True))
        strata |= {name: strata[whole] & members[rank, 3] for name, whole in NONZERO.items()}
        self.strata = np.array([strata[name] for name in NAMES])  # S x K bool
        self.order = np.argsort(key, kind="stable")[self.pixels_below(2) :]

    def pixels_below(self, depth: int) -> int:
        """Return how many pixels of the block lie in classes below a depth."""
        return int(self.counts[self.depth < depth].sum())

    def starts(self, depth: int) -> np.ndarray:
        """Return where each group that holds pixels begins, among the pixels of a depth and above."""
        lengths = self.lengths(depth)
        return np.cumsum(lengths) - lengths

    def lengths(self, depth: int) -> np.ndarray:
        """Return the pixels of each group that holds any."""
        counts = self.counts[self.depth >= depth].ravel()
        return counts[counts > 0]

    def spread(self, values: np.ndarray, depth: int, empty: float = 0) -> np.ndarray:
        """Return values of the groups of a depth and above, ... x G, by class and tile, ... x K x T."""
        there = ((self.depth >= depth)[:, None] & (self.counts > 0)).ravel()
        full = np.full((*values.shape[:-1], self.counts.size), empty, values.dtype)
        full[..., there] = values
        return full.reshape(*values.shape[:-1], *self.counts.shape)

    def by_stratum(self, values: np.ndarray) -> np.ndarray:
        """Return ... x K x T whole numbers added up by stratum, ... x S x T."""
        return self.strata.astype(values.dtype) @ values


def sum_block(block: Block, fine: np.ndarray, ratio_min_height_m: float) -> BlockSums:
    """Return the sums of a block and add its errors to the histograms.

    Args:
        block: up to `MOST_PIXELS` pixels.
        fine: S x `BINS` int64, the histograms of each of `NAMES`; changed.
        ratio_min_height_m: ratios are taken where the reference is above this.

    Raises:
        DataError: a value is no height on Earth.
    """
    groups = _Groups(block, ratio_min_height_m)
    predicted, truth = (heights.ravel()[groups.order].astype(np.float64) for heights in (block.predicted, block.truth))
    errors = predicted - truth
    require_heights(errors)
    bins, lengths, starts = fine_bins(errors), groups.lengths(2), groups.starts(2)
    _add_to_histograms(fine, bins, groups)
    lowest, highest = (extreme.reduceat(errors, starts) for extreme in (np.minimum, np.maximum))
    return BlockSums(
        _whole_sums(groups, predicted, truth, errors),
        -_largest(groups, -lowest),
        _largest(groups, highest),
        _coarse_counts(groups, bins, lengths),
    )


def _whole_sums(groups: _Groups, predicted: np.ndarray, truth: np.ndarray, errors: np.ndarray) -> dict[str, np.ndarray]:
    """Return the sums by field of `ErrorStatistics`, S x T Python integers."""
    names = ("reference_pixels", "pixels", "ratio_pixels")
    digits = {
        name: np.where((groups.depth >= depth)[:, None], groups.counts, 0)[None]
        for depth, name in enumerate(names, start=1)
    }
    digits |= {name: groups.spread(value, 2) for name, value in error_sums(errors, groups.starts(2)).items()}
    high = groups.pixels_below(3) - groups.pixels_below(2)
    ratios = ratio_sums(predicted[high:], truth[high:], groups.starts(3))
    digits |= {name: groups.spread(value, 3) for name, value in ratios.items()}
    wanted = (*names, *ERROR_SUMS, *RATIO_SUMS, *DELTAS)
    return {name: combine(groups.by_stratum(digits[name])) for name in wanted}


def _largest(groups: _Groups, values: np.ndarray) -> np.ndarray:
    """Return the largest value of the groups of each stratum and tile, S x T, minus infinity where there is none."""
    by_class = groups.spread(values, 2, empty=-np.inf)  # K x T
    return np.where(groups.strata[..., None], by_class, -np.inf).max(axis=1)


def _add_to_histograms(fine: np.ndarray, bins: np.ndarray, groups: _Groups) -> None:
    pixels = groups.counts.sum(axis=1)[groups.depth >= 2]
    ends = np.cumsum(pixels)
    for row, (start, end) in zip(
        groups.strata.T[groups.depth >= 2], zip(ends - pixels, ends, strict=True), strict=True
    ):
        for stratum in np.flatnonzero(row):
            np.add.at(fine[stratum], bins[start:end], 1)


def _coarse_counts(groups: _Groups, bins: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return pixels by error, S x T x `COARSE_BINS` int64."""
    group = np.repeat(np.arange(len(lengths)) * COARSE_BINS, lengths)
    counts = np.bincount(group + coarse_of_fine(bins), minlength=len(lengths) * COARSE_BINS)
    by_class = groups.spread(counts.reshape(-1, COARSE_BINS).T.astype(np.float64), 2)  # B x K x T
    return np.moveaxis(groups.by_stratum(by_class), 0, -1).astype(np.int64)

"""Intervals from the spatial block bootstrap: whole blocks are drawn, because errors of neighbouring pixels correlate.

Künsch (1989), "The Jackknife and the Bootstrap for General Stationary Observations", doi:10.1214/aos/1176347265.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit  # scipy.stats would take longer to import than to compute

LEVEL = 0.95
RESAMPLES = 10_000
LEAST_BLOCKS = 20
FEW_DRAWS = 10
CHUNK_BYTES = 2**25

Sums = Mapping[str, np.ndarray]
Scores = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Resampled:
    """A score, its values on other draws of the blocks, and without each of them.

    The difference of two methods is the difference of their scores on the same draws, so that common difficulties
    cancel.

    Attributes:
        value: the score over all blocks.
        draws: R scores, one per draw.
        left_out: N scores, each without one block.
        blocks: number of blocks that matter: the score changes without them.
    """

    value: float
    draws: np.ndarray
    left_out: np.ndarray
    blocks: int

    def __sub__(self, other: Self) -> Self:
        return type(self)(
            self.value - other.value,
            self.draws - other.draws,
            self.left_out - other.left_out,
            max(self.blocks, other.blocks),
        )

    def moved(self, value: float) -> Self:
        """Return the same spread around another value: the exact one, if this one is rounded to bins.

        A score that no draw makes negative does not become so.
        """
        step, least = value - self.value, 0.0 if self.draws.min() >= 0 else -np.inf
        return type(self)(value, (self.draws + step).clip(least), self.left_out + step, self.blocks)

    def interval(self, neighbours: np.ndarray, level: float = LEVEL) -> tuple[float, float] | None:
        """Return the ends of the interval, or None if there are fewer than 20 blocks.

        It is a percentile interval, at levels moved outwards by two corrections without which it is too narrow:
        Student's quantile, because the variance is estimated from N blocks, and `widening`. On 100 blocks of four
        correlation lengths, 95 % intervals of the RMSE then cover 93 to 96 %, not 90 % (benchmarks/intervals.py).
        Basic, BCa and Student-t intervals with the same corrections cover as often, and BCa slightly more often for
        strongly skewed errors; percentiles are the simplest of those that never leave the range of a score.

        Args:
            neighbours: Px2 int, places of blocks that share a side.
            level: how often the interval should cover the true score.
        """
        if self.blocks < LEAST_BLOCKS:
            return None
        reach = stdtrit(self.blocks - 1, (1 + level) / 2) * self.widening(neighbours)
        low, high = np.quantile(self.draws, ndtr([-reach, reach])).tolist()
        return low, high

    def p_value(self, neighbours: np.ndarray) -> float | None:
        """Return the two-sided p value of the score being 0: below 0.05 if 0 is outside the 95 % interval.

        None if there are fewer than 20 blocks. If almost no draw is on the far side of 0, p continues to fall with the
        distance in standard deviations: 10,000 draws cannot show the smaller values that Holm's correction needs.

        Args:
            neighbours: Px2 int, places of blocks that share a side.
        """
        if self.blocks < LEAST_BLOCKS:
            return None
        beyond = min(int((self.draws <= 0).sum()), int((self.draws >= 0).sum()))
        distance = max(-ndtri(max(beyond, FEW_DRAWS) / self.draws.size), 0.0)
        if beyond < FEW_DRAWS:
            distance = max(distance, abs(self.value) / max(self.draws.std(), np.finfo(float).tiny))
        return float(2 * stdtr(self.blocks - 1, -distance / self.widening(neighbours)))

    def widening(self, neighbours: np.ndarray) -> float:
        """Return the factor, at least 1, by which the draws spread too little because neighbouring blocks correlate.

        The variance of a mean over a grid with the correlation r between blocks that share a side, and r**2 across
        the corner, is (1 + 2 r)**2 times that of independent blocks; 2 r is estimated from the jackknife values. These
        are distances from a mean of the same blocks, whose variance lowers the apparent correlation.

        Args:
            neighbours: Px2 int, places of blocks that share a side.
        """
        influence = self.value - self.left_out
        products = influence[neighbours[:, 0]] * influence[neighbours[:, 1]]
        square = float(influence @ influence)
        if not square:
            return 1.0
        alike = float(products.sum()) / square
        lost = np.count_nonzero(products) * (1 + alike) ** 2 / self.blocks**2
        return 1 + max(alike + lost, 0.0)


def draw_blocks(blocks: int, *, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Return how often each of N blocks is drawn in each of R draws of N, RxN uint8.

    There is a single draw of fewer than 20 blocks, from which no interval is made.
    """
    rng, share = np.random.default_rng(seed), np.full(blocks, 1 / blocks)
    draws = resamples if blocks >= LEAST_BLOCKS else 1
    sizes = [rows.stop - rows.start for rows in _chunks(draws, blocks)]
    return np.concatenate([rng.multinomial(blocks, share, size=size).astype(np.uint8) for size in sizes])


def resample(sums: Sums, drawn: np.ndarray, scores: Scores) -> dict[str, Resampled]:
    """Return each score of a method on the draws.

    Args:
        sums: sums of N blocks by name, each N or N x bins.
        drawn: how often each block is drawn, RxN, see `draw_blocks`.
        scores: turns sums with any number of rows into scores with as many, as `scores_of_sums` does.
    """
    total = {name: values.sum(axis=0, keepdims=True) for name, values in sums.items()}
    value, left_out = scores(total), scores({name: total[name] - values for name, values in sums.items()})
    bins = max(values.shape[1] if values.ndim > 1 else 1 for values in sums.values())
    chunks = (drawn[rows].astype(np.float64) for rows in _chunks(len(drawn), max(drawn.shape[1], bins)))
    draws = [scores({name: _drawn_sums(chunk, values) for name, values in sums.items()}) for chunk in chunks]
    return {
        name: Resampled(
            float(value[name][0]),
            np.concatenate([part[name] for part in draws]),
            left_out[name],
            int(np.count_nonzero(left_out[name] != value[name])),
        )
        for name in value
    }


def _drawn_sums(drawn: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Return the sums of the drawn blocks; most bins are empty in all of them."""
    if sums.ndim == 1:
        return drawn @ sums
    result, filled = np.zeros((len(drawn), sums.shape[1])), sums.any(axis=0)
    result[:, filled] = drawn @ sums[:, filled]
    return result


def holm(p: np.ndarray) -> np.ndarray:
    """Return p values corrected for multiple testing, in the same order.

    Source: Holm (1979), "A Simple Sequentially Rejective Multiple Test Procedure", https://www.jstor.org/stable/4615733
    """
    order = np.argsort(p, kind="stable")
    corrected = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    result = np.empty(p.size)
    result[order] = np.minimum(corrected, 1.0)
    return result


def _chunks(rows: int, columns: int) -> Iterator[slice]:
    """Yield slices of rows of float64 that fit into the allotted memory."""
    step = max(1, CHUNK_BYTES // (8 * columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))

"""How far truth lies from a prediction: quantiles of errors that hold in blocks they were not found in.

Conformal prediction assumes exchangeable errors. Those of neighbouring pixels correlate; those of blocks hardly
do. In cross-conformal prediction (Vovk 2015, https://arxiv.org/abs/1208.0806) with blocks as folds, the level of the
quantile is raised until intervals made without a block leave out no more of that block than wanted, on average; the
result is the mean of these intervals.
"""

import math
from dataclasses import dataclass

import numpy as np

LEAST_BLOCKS = 20  # with fewer, the tails of 5 % are decided by single blocks
STEP_M = 0.02  # errors are rounded outwards to it
BISECTIONS = 12  # of the level: to a four-thousandth of the tail


@dataclass(frozen=True)
class Errors:
    """Errors with the height of their prediction and the block that they lie in.

    Attributes:
        height_m: N float32, predicted heights above ground; NaN where the height above ground is missing.
        error_m: N float32, truth minus prediction.
        block: N int64, numbers of the blocks.
    """

    height_m: np.ndarray
    error_m: np.ndarray
    block: np.ndarray

    def where(self, chosen: np.ndarray) -> "Errors":
        """Return the chosen errors.

        Args:
            chosen: N bool.
        """
        return Errors(self.height_m[chosen], self.error_m[chosen], self.block[chosen])


def margins(errors: Errors, level: float) -> tuple[float, float] | None:
    """Return by how much truth lies below and above a prediction in a share of cases, both in metres and 0 or more.

    Each end is exceeded equally often. None if there are too few blocks, or if blocks differ too much for any interval.

    Args:
        errors: of one class of heights.
        level: share of the truth to be inside, e.g. 0.9.
    """
    blocks, place = np.unique(errors.block, return_inverse=True)
    if len(blocks) < LEAST_BLOCKS:
        return None
    ends = []
    for sign in (-1, 1):
        steps = np.ceil(sign * errors.error_m.astype(np.float64) / STEP_M).astype(np.int64)
        ends.append(_quantile(steps, place, len(blocks), (1 - level) / 2))
    if None in ends:
        return None
    below, above = (round(max(end, 0) * STEP_M, 2) for end in ends if end is not None)
    return below, above


def _quantile(steps: np.ndarray, block: np.ndarray, blocks: int, tail: float) -> int | None:
    """Return the number that at most a share of the numbers of a new block exceeds; None if none is certain to.

    Args:
        steps: N int64.
        block: N int64, from 0.
        blocks: their number.
        tail: the share.
    """
    values, place = np.unique(steps, return_inverse=True)
    counts = np.zeros((blocks, len(values)), np.int64)
    np.add.at(counts, (block, place), 1)
    own = counts.cumsum(axis=1)  # blocks x values, numbers up to each value
    others = own.sum(axis=0) - own
    wanted, without = tail * len(steps), others[:, -1]
    if _exceeding(own, others, without, 0) > wanted:
        return None
    strict, loose = 0.0, 1.0  # factors of the tail
    for _ in range(BISECTIONS):
        middle = (strict + loose) / 2
        if _exceeding(own, others, without, middle * tail) <= wanted:
            strict = middle
        else:
            loose = middle
    return math.ceil(values[_first_above(others, without, strict * tail)].mean())


def _exceeding(own: np.ndarray, others: np.ndarray, without: np.ndarray, tail: float) -> int:
    """Return how many numbers exceed the quantile of the numbers of all other blocks.

    Args:
        own: blocks x values, numbers up to each value.
        others: the same of all other blocks.
        without: number of numbers of the other blocks.
        tail: share of the other numbers above the quantile.
    """
    place = _first_above(others, without, tail)
    return int((own[:, -1] - np.take_along_axis(own, place[:, None], axis=1)[:, 0]).sum())


def _first_above(cumulative: np.ndarray, total: np.ndarray, tail: float) -> np.ndarray:
    """Return the place of the first value that at most a share of the numbers exceeds, for each row."""
    return (cumulative < (total * (1 - tail))[:, None] - 1e-9).sum(axis=1)

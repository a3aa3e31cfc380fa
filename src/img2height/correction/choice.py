"""Chooses a correction by its errors in spatial blocks of known heights that it has not seen."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas

from img2height.comparison.blocks import Blocks
from img2height.comparison.bootstrap import LEAST_BLOCKS, Resampled, draw_blocks, resample
from img2height.correction.models import FITS, Correction, fit_constant
from img2height.correction.samples import Samples
from img2height.errors import DataError
from img2height.io.records import Record

NONE, CONSTANT = "none", "constant"
FOLDS = 10
# One-sided 90 % confidence: at 97.5 %, improvements of the RMSE by a seventh from 1,000 heights were refused, because
# few tall places decide it.
CERTAIN = 0.8
MOST_OF_CONSTANT = 0.98  # largest RMSE of a correction, as a share of that of one height for all
MOST_BLOCKS = 100  # in the box around the samples: blocks are as wide as that allows
SEED = 0  # of the folds and of the draws of blocks
Scores = dict[str, Resampled]  # mae and rmse, in metres


class Estimate(Record):
    """A value with its 95 % interval, in metres; without one if too few blocks decide it."""

    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        return f"{self.value:.2f}" if self.low is None else f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


class Candidate(Record):
    """The errors of a correction at known heights that it has not seen.

    Attributes:
        name: `none` is the map, `constant` the mean of the known heights everywhere, the others are keys of `FITS`.
        mae_m: mean absolute error.
        rmse_m: root of the mean square.
        change_m: the RMSE minus that of the map.
    """

    name: str
    mae_m: Estimate
    rmse_m: Estimate
    change_m: Estimate


@dataclass(frozen=True)
class Choice:
    """The candidates in the order of their complexity, and the one to use.

    Attributes:
        candidates: the map itself first.
        chosen: name of one of them; never `constant`.
        correction: fitted to all samples; None if the map itself was chosen.
        blocks: number of blocks with samples.
        block_px: their side.
    """

    candidates: list[Candidate]
    chosen: str
    correction: Correction | None
    blocks: int
    block_px: int


@dataclass(frozen=True)
class _Judge:
    """Compares errors at the samples.

    Attributes:
        known_m: N float64.
        place: N int, the block of each.
        blocks: the blocks.
        drawn: draws of them.
    """

    known_m: np.ndarray
    place: np.ndarray
    blocks: Blocks
    drawn: np.ndarray

    def scores(self, corrected_m: np.ndarray) -> Scores:
        """Return mean absolute error and RMSE of heights at the samples."""
        error = corrected_m - self.known_m
        sums = {
            name: np.bincount(self.place, values, len(self.blocks.keys))
            for name, values in (("count", np.ones_like(error)), ("absolute", np.abs(error)), ("square", error**2))
        }
        return resample(sums, self.drawn, _means)

    def is_better(self, one: Scores, other: Scores) -> bool:
        """Return whether the RMSE of one correction is certainly below that of another."""
        interval = (one["rmse"] - other["rmse"]).interval(self.blocks.neighbours, CERTAIN)
        return interval is not None and interval[1] < 0

    def estimate(self, score: Resampled) -> Estimate:
        """Return a score with its interval."""
        low, high = score.interval(self.blocks.neighbours) or (None, None)
        return Estimate(value=score.value, low=low, high=high)


def choose(samples: Samples, correlation_px: float, finish: Callable[[np.ndarray], np.ndarray]) -> Choice:
    """Return the correction with the smallest error in blocks that it has not seen.

    A correction replaces the map, or a simpler correction, only if its RMSE is smaller with 90 % confidence, so that a
    map that is right, or of which too little is known, is left alone. Its RMSE must also be 2 % below that of one
    height for all, otherwise it only hides that the map shows nothing, and its mean absolute error not above that of
    the map. The RMSE decides, because where most heights are 0 the other would reward to flatten the rest.

    Args:
        samples: known heights, and the map there.
        correlation_px: distance over which heights of the map correlate.
        finish: what happens to corrected heights before they are written: clips heights above ground at 0.

    Raises:
        DataError: the samples lie in fewer than 20 blocks.
    """
    side_px = _side(samples, correlation_px)
    places = pandas.DataFrame({"dataset": "", "scene": "", "row_off": samples.rows, "col_off": samples.columns})
    blocks = Blocks.of(places, side_px)
    number = len(blocks.keys)
    if number < LEAST_BLOCKS:
        raise DataError(
            f"the {len(samples.known_m)} known heights lie in {number} blocks of {side_px} x {side_px} px, at least "
            f"{LEAST_BLOCKS} are needed to measure what a correction is worth; add heights elsewhere on the map"
        )
    nowhere = np.full(len(samples.rows), "")
    levels = [nowhere, nowhere, samples.rows // side_px, samples.columns // side_px]
    place = blocks.keys.get_indexer(pandas.MultiIndex.from_arrays(levels))
    judge = _Judge(samples.known_m, place, blocks, draw_blocks(number, seed=SEED))
    folds = (np.random.default_rng(SEED).permutation(number) % FOLDS)[place]
    corrected = {name: finish(left_out(samples, folds, fit)) for name, fit in {CONSTANT: fit_constant, **FITS}.items()}
    scores = {name: judge.scores(heights_m) for name, heights_m in {NONE: samples.height_m, **corrected}.items()}
    chosen = NONE
    for name in FITS:
        no_worse = scores[name]["mae"].value <= scores[NONE]["mae"].value
        shows_something = scores[name]["rmse"].value <= MOST_OF_CONSTANT * scores[CONSTANT]["rmse"].value
        if no_worse and shows_something and judge.is_better(scores[name], scores[chosen]):
            chosen = name
    candidates = [_candidate(judge, name, each, scores[NONE]) for name, each in scores.items()]
    return Choice(candidates, chosen, FITS[chosen](samples) if chosen in FITS else None, number, side_px)


def left_out(samples: Samples, folds: np.ndarray, fit: Callable[[Samples], Correction]) -> np.ndarray:
    """Return corrected heights of samples, each by a correction that was fitted without its fold, N float64 metres.

    Args:
        samples: N of them.
        folds: N int.
        fit: returns the correction.
    """
    found = np.full(len(folds), math.nan)
    for fold in np.unique(folds):
        inside = folds == fold
        found[inside] = fit(samples.where(~inside)).correct(samples.where(inside))
    return found


def _side(samples: Samples, correlation_px: float) -> int:
    """Return the side of the blocks in pixels: at least two correlation lengths."""
    area = (np.ptp(samples.rows) + 1) * (np.ptp(samples.columns) + 1)
    return math.ceil(max(2 * correlation_px, math.sqrt(area / MOST_BLOCKS)))


def _candidate(judge: _Judge, name: str, scores: Scores, plain: Scores) -> Candidate:
    return Candidate(
        name=name,
        mae_m=judge.estimate(scores["mae"]),
        rmse_m=judge.estimate(scores["rmse"]),
        change_m=judge.estimate(scores["rmse"] - plain["rmse"]),
    )


def _means(sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"mae": sums["absolute"] / sums["count"], "rmse": np.sqrt(sums["square"] / sums["count"])}

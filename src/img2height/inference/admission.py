"""Judges engines: what the rounding of each does to the scores of a model, and whether that is admitted.

A user pays for rounding by a change of the scores, not of the heights: heights may move by centimetres where errors are
metres, and no score changes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from img2height.models.engines import Change, Measured
from img2height.vocabulary.classes import HEIGHTS_M

SCORE, CLASS = 0.005, 0.02  # largest loss, as shares: of RMSE and MAE, at the end of its interval; of a class's RMSE
LEVEL = 0.95  # of the intervals
LEAST_PX = 1000  # of a class of heights
QUANTILE = 99.9  # per cent of the pixels may change by no more than the RMSE


class Pixels(NamedTuple):
    """Heights of one window where all are valid, N float32 metres each.

    Attributes:
        exact: by the exact engine.
        others: by the other engines, by name.
        truth: the reference.
        above_m: height above ground of the reference, which decides the class; NaN where it has none.
    """

    exact: np.ndarray
    others: dict[str, np.ndarray]
    truth: np.ndarray
    above_m: np.ndarray


def judged(windows: Sequence[Pixels], name: str) -> Measured:
    """Return what an engine did to the scores, and why it is refused, if it is.

    Args:
        windows: at least 2 with pixels.
        name: of the engine.
    """
    before = [pixels.exact.astype(np.float64) - pixels.truth for pixels in windows]
    after = [pixels.others[name].astype(np.float64) - pixels.truth for pixels in windows]
    squares = relative_change([np.square(e).sum() for e in before], [np.square(e).sum() for e in after])
    above_m = np.concatenate([pixels.above_m for pixels in windows])
    moved_m = np.abs(np.concatenate([pixels.others[name] - pixels.exact for pixels in windows]))
    found = Measured(
        rmse=Change(**{key: float(np.sqrt(1 + max(value, -1))) - 1 for key, value in squares.model_dump().items()}),
        mae=relative_change([np.abs(e).sum() for e in before], [np.abs(e).sum() for e in after]),
        classes=_by_class(above_m, np.concatenate(before), np.concatenate(after)),
        mean_m=float(moved_m.mean()),
        most_m=float(np.percentile(moved_m, QUANTILE)),
        refused=[],
    )
    return found.model_copy(update={"refused": _reasons(found, rmse_of(before))})


def rmse_of(errors: Sequence[np.ndarray]) -> float:
    """Return the RMSE of errors, given by window."""
    return float(np.sqrt(np.square(np.concatenate(errors)).mean()))


def relative_change(before: Sequence[float], after: Sequence[float]) -> Change:
    """Return the relative change of a total with its interval, from the sums of the same windows before and after.

    The ratio of two totals, with the variance of its linear approximation (Cochran 1977, Sampling Techniques, section
    2.11): windows are the sampling units, so that neighbouring pixels may correlate.

    Args:
        before: sum of each window, N.
        after: likewise.
    """
    x, difference = np.asarray(before), np.asarray(after) - np.asarray(before)
    value = difference.sum() / x.sum()
    count, rest = len(x), difference - value * x
    error = np.sqrt(count / (count - 1) * np.square(rest).sum()) / x.sum()
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * error)
    return Change(value=float(value), low=float(value) - reach, high=float(value) + reach)


def _by_class(above_m: np.ndarray, before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """Return the relative change of the RMSE in each class of reference heights with enough pixels."""
    found = {}
    for name, (low, high) in HEIGHTS_M.items():
        inside = (above_m > low) & (above_m <= high)
        if inside.sum() >= LEAST_PX:
            found[name] = float(np.sqrt(np.square(after[inside]).sum() / np.square(before[inside]).sum())) - 1
    return found


def _reasons(found: Measured, rmse_m: float) -> list[str]:
    reasons = [
        f"{name} may be {score.high:.2%} worse, more than {SCORE:.1%}"
        for name, score in (("RMSE", found.rmse), ("MAE", found.mae))
        if not score.high <= SCORE
    ]
    reasons += [
        f"RMSE of {name} is {loss:.1%} worse, more than {CLASS:.0%}"
        for name, loss in found.classes.items()
        if not loss <= CLASS
    ]
    if not found.most_m <= rmse_m:
        reasons.append(f"one pixel in a thousand changes by {found.most_m:.2f} m, more than the RMSE, {rmse_m:.2f} m")
    return reasons

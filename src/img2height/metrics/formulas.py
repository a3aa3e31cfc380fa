"""Scores from sums: the declared formulas on exact totals, on tiles, and on thousands of resampled sums at a time.

All functions take numbers or arrays of one shape and give NaN where nothing counts.
"""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from img2height.vocabulary.score import Kind
from img2height.vocabulary.scores import of_kind

DELTA_BASE = 1.25
LEAST_PREDICTION_M = 1e-3


def share(part: ArrayLike, whole: ArrayLike) -> np.ndarray:
    """Return a part over the whole, float64, NaN where there is no whole."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)


def scores_of(kind: Kind, **sums: Any) -> dict[str, Any]:
    """Return the declared scores of a kind by name.

    Args:
        kind: which scores.
        sums: what their formulas read, see `img2height.vocabulary.score.Sums`.
    """
    terms = SimpleNamespace(share=share, root=np.sqrt, **sums)
    return {name: score.formula(terms) for name, score in of_kind(kind).items() if score.formula}


def as_json(scores: dict[str, Any]) -> dict[str, float | None]:
    """Return single scores as plain numbers, None instead of NaN."""
    return {name: None if value is None or math.isnan(value) else float(value) for name, value in scores.items()}

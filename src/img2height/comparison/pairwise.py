"""Tests of the differences between methods: paired on the same blocks, corrected for multiple testing."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from img2height.comparison.bootstrap import LEVEL, Resampled, holm
from img2height.comparison.record import Comparison
from img2height.vocabulary.quantities import METRES, OF_BUILDINGS, quantity_of
from img2height.vocabulary.scores import STRATUM_OF, compared, of_kind

_STRATA = ("all", "buildings", "instances", "given")
# Stratum and score of all scores by which methods are compared; scores of masks are listed under all pixels.
COMPARED = sorted(
    ((STRATUM_OF.get(group, group), score.name) for group, score in compared()), key=lambda of: _STRATA.index(of[0])
)
_SCORES = {score.name: score for _, score in compared()}


def of_footprints(stratum: str, score: str) -> bool:
    """Return whether a score is of footprints alone, and no height counts."""
    return stratum == "instances" or (stratum == "all" and score in of_kind("mask"))


def meet(first: str, second: str, stratum: str, score: str) -> bool:
    """Return whether two quantities may be compared.

    Heights above ground, of surfaces and of terrain have comparable errors. Building heights are 0 outside footprints,
    so they are compared with the others only on buildings and by footprints; relative heights only with each other.
    """
    groups = {quantity_of(first).group, quantity_of(second).group}
    anywhere = len(groups) == 1
    on_buildings = stratum in ("buildings", "given") or of_footprints(stratum, score)
    return anywhere or (on_buildings and groups == {METRES, OF_BUILDINGS})


def compare(
    methods: Mapping[str, Mapping[tuple[str, str], Resampled]], quantities: Mapping[str, str], neighbours: np.ndarray
) -> list[Comparison]:
    """Return the comparison of each pair of methods, in alphabetical order, by each score that both have.

    Args:
        methods: by name, the scores by stratum and name, all on the same draws of the same blocks.
        quantities: what each method predicts.
        neighbours: Px2 int, places of blocks that share a side.
    """
    rows = []
    for stratum, score in COMPARED:
        differences = {
            (first, second): methods[first][stratum, score] - methods[second][stratum, score]
            for first, second in combinations(sorted(methods), 2)
            if meet(quantities[first], quantities[second], stratum, score)
            and all((stratum, score) in methods[name] for name in (first, second))
        }
        rows += _tested(stratum, score, differences, neighbours)
    return rows


def _tested(
    stratum: str, score: str, differences: Mapping[tuple[str, str], Resampled], neighbours: np.ndarray
) -> list[Comparison]:
    """Return the comparisons by one score, with p values corrected together."""
    p = np.array([np.nan if (found := each.p_value(neighbours)) is None else found for each in differences.values()])
    corrected = np.full(len(p), np.nan)
    corrected[~np.isnan(p)] = holm(p[~np.isnan(p)])
    rows = []
    for (pair, each), own, of_all in zip(differences.items(), p.tolist(), corrected.tolist(), strict=True):
        low, high = each.interval(neighbours) or (np.nan, np.nan)
        better = _better(score, each.value) if of_all < 1 - LEVEL else ""
        rows.append(Comparison(*pair, stratum, score, each.value, low, high, own, of_all, each.blocks, better))
    return rows


def _better(score: str, difference: float) -> str:
    """Return which of two methods is better, by the sign of first minus second."""
    return "second" if _SCORES[score].badness(difference) > 0 else "first"

"""Uncertainty: 95 % intervals of scores, tests of the differences between methods, and intervals of heights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from img2height.comparison.record import Comparison, Coverage, Interval, read_rows
from img2height.vocabulary.score import Score
from img2height.vocabulary.scores import STRATUM_OF


@dataclass(frozen=True)
class Uncertainty:
    """The content of intervals.csv, comparisons.csv and interval_coverage.csv.

    Groups are those of the score table: a stratum, or footprint.

    Attributes:
        intervals: of all methods and seeds.
        comparisons: of the methods.
        seed: whose intervals are shown.
        coverages: how often intervals of heights hold, of all methods and seeds.
    """

    intervals: Sequence[Interval]
    comparisons: Sequence[Comparison]
    seed: int
    coverages: Sequence[Coverage] = ()

    def interval(self, method: str, group: str, score: str) -> Interval | None:
        """Return the interval of a score, None if this score has none."""
        return self._by_score.get((method, STRATUM_OF.get(group, group), score))

    @property
    def any_estimated(self) -> bool:
        """Whether any score has an interval."""
        return any(interval.estimated for interval in self.intervals)

    @property
    def blocks(self) -> int:
        """The largest number of blocks of any score."""
        return max((interval.blocks for interval in self.intervals), default=0)

    @property
    def block_m(self) -> float | None:
        """Side of the blocks in metres, None if no score has an interval."""
        return next((interval.block_m for interval in self.intervals if interval.estimated), None)

    def difference(self, first: str, second: str, group: str, score: str) -> Comparison | None:
        """Return the comparison of two methods, first minus second; None if the two were not compared."""
        found = {(item.first, item.second): item for item in self.differences(group, score)}
        if (first, second) in found:
            return found[first, second]
        return found[second, first].turned() if (second, first) in found else None

    def differences(self, group: str, score: str) -> list[Comparison]:
        """Return all comparisons by one score."""
        stratum = STRATUM_OF.get(group, group)
        return [item for item in self.comparisons if (item.stratum, item.score) == (stratum, score)]

    @cached_property
    def _by_score(self) -> dict[tuple[str, str, str], Interval]:
        return {(item.method, item.stratum, item.score): item for item in self.intervals if item.seed == self.seed}


def read_uncertainty(intervals: Path, comparisons: Path, coverages: Path, seed: int) -> Uncertainty:
    """Return the uncertainty stored in three tables.

    Args:
        intervals: intervals.csv.
        comparisons: comparisons.csv.
        coverages: interval_coverage.csv.
        seed: whose intervals are shown.

    Raises:
        DataError: a file is missing, or lacks a column.
    """
    tables = read_rows(Interval, intervals), read_rows(Comparison, comparisons)
    return Uncertainty(*tables, seed, read_rows(Coverage, coverages))


def interval_text(interval: Interval, score: Score) -> str:
    """Return an interval as text, with the digits of its score."""
    if not interval.estimated:
        return f"too few blocks ({interval.blocks}) for an interval"
    return f"{score.text(interval.low)} to {score.text(interval.high)}"


def p_text(comparison: Comparison) -> str:
    """Return the corrected p value as printed."""
    return "p < 0.001" if comparison.p_holm < 0.001 else f"p = {comparison.p_holm:.3f}"

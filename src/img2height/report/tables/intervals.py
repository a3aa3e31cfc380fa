"""What is known of the uncertainty: 95 % intervals of scores, and which differences between methods are real."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import pandas

from img2height.comparison.collect import INTERVAL_COLUMNS
from img2height.comparison.pairwise import COMPARISON_COLUMNS
from img2height.errors import DataError
from img2height.report.tables.scores import format_score

REAL_P = 0.05
OF_MASK = {"footprint": "all"}  # where the scores of a group of the score table stand in the intervals


class Interval(NamedTuple):
    """A score's interval; `low` and `high` are NaN where there were too few blocks for one."""

    low: float
    high: float
    blocks: int
    block_m: float

    @property
    def known(self) -> bool:
        """Whether there is one."""
        return not pandas.isna(self.low)

    def text(self, score: str) -> str:
        """Return the interval in words, printed as the score is."""
        if not self.known:
            return f"too few blocks ({self.blocks}) for an interval"
        return f"{format_score(score, self.low)} to {format_score(score, self.high)}"


class Difference(NamedTuple):
    """How the score of a first method differs from that of a second one on the same blocks.

    `difference`, `low` and `high` are first minus second; `p` is after Holm's correction; all NaN where there were
    too few blocks. `better` names the method that is really better, and is empty where the two cannot be told apart.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    blocks: int
    better: str

    @property
    def known(self) -> bool:
        """Whether the two could be tested."""
        return not pandas.isna(self.p)

    @property
    def p_text(self) -> str:
        """The p value as it is printed."""
        return "p < 0.001" if self.p < 0.001 else f"p = {self.p:.3f}"

    def turned(self) -> Self:
        """Return the same, seen from the second method."""
        return self._replace(
            first=self.second, second=self.first, difference=-self.difference, low=-self.high, high=-self.low
        )


@dataclass(frozen=True)
class Uncertainty:
    """The content of intervals.csv and comparisons.csv, of one seed.

    Attributes:
        intervals: method, seed, stratum, score, value, low, high, blocks, block_m.
        comparisons: first, second, stratum, score, difference, low, high, p, p_holm, blocks, better.
        seed: the seed that intervals are shown of.
    """

    intervals: pandas.DataFrame
    comparisons: pandas.DataFrame
    seed: int

    def interval(self, method: str, stratum: str, score: str) -> Interval | None:
        """Return the interval of a score, None where the score has none by its nature."""
        frame = self.intervals
        stratum = OF_MASK.get(stratum, stratum)
        own = (frame.method == method) & (frame.seed == self.seed) & (frame.stratum == stratum) & (frame.score == score)
        rows = frame[own]
        return None if rows.empty else Interval(**rows.iloc[0][list(Interval._fields)].to_dict())

    @property
    def any_known(self) -> bool:
        """Whether any score has an interval."""
        return bool(self.intervals.low.notna().any())

    @property
    def blocks(self) -> int:
        """The largest number of blocks that any score had."""
        return 0 if self.intervals.empty else int(self.intervals.blocks.max())

    @property
    def block_m(self) -> float | None:
        """Side of the blocks in metres, None where nothing has an interval."""
        known = self.intervals[self.intervals.low.notna()]
        return None if known.empty else float(known.block_m.iloc[0])

    def difference(self, first: str, second: str, stratum: str, score: str) -> Difference | None:
        """Return how the first method differs from the second, None where the two were not compared."""
        found = {(item.first, item.second): item for item in self.differences(stratum, score)}
        if (first, second) in found:
            return found[first, second]
        return found[second, first].turned() if (second, first) in found else None

    def differences(self, stratum: str, score: str) -> list[Difference]:
        """Return all comparisons of one score."""
        frame = self.comparisons
        frame = frame[(frame.stratum == OF_MASK.get(stratum, stratum)) & (frame.score == score)]
        rows = frame.assign(p=frame.p_holm, better=_winner(frame)).to_dict("records")
        return [Difference(**{name: row[name] for name in Difference._fields}) for row in rows]


def read_uncertainty(intervals: Path, comparisons: Path, seed: int) -> Uncertainty:
    """Return what two tables say of the uncertainty.

    Args:
        intervals: intervals.csv.
        comparisons: comparisons.csv.
        seed: the seed that intervals are shown of.

    Raises:
        DataError: a file is missing, or lacks a column.
    """
    found = _read(comparisons, COMPARISON_COLUMNS)
    return Uncertainty(_read(intervals, INTERVAL_COLUMNS), found.assign(better=found.better.fillna("")), seed)


def _read(path: Path, columns: list[str]) -> pandas.DataFrame:
    if not path.is_file():
        raise DataError(f"{path}: this table does not exist; collect the metrics first")
    table = pandas.read_csv(path)
    if missing := sorted(set(columns) - set(table)):
        raise DataError(f"{path}: has no column {missing[0]!r}; collect the metrics again")
    return table


def _winner(frame: pandas.DataFrame) -> list[str]:
    """Return the name of the method that is really better in each row, empty where none is."""
    rows = zip(frame["first"], frame["second"], frame.better, frame.p_holm, strict=True)
    return [{"first": one, "second": other}.get(better, "") if p < REAL_P else "" for one, other, better, p in rows]

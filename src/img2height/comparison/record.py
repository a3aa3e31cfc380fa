"""The results of an experiment as records: scores of all methods, their intervals, and comparisons of methods.

The files are metrics.json, intervals.csv, comparisons.csv and interval_coverage.csv.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar, get_type_hints

import pandas
from pydantic import model_validator

from img2height.errors import DataError
from img2height.io.records import Record, read_record
from img2height.scoring.record import MethodScores

NAN = math.nan


class Protocol(Record):
    """The conditions under which the scores of an experiment were computed.

    Attributes:
        split: the strategy of the split.
        leaks: whether neighbours of the test tiles were used for training.
        ratio_min_height_m: reference height above which ratios are computed.
        tile_px: side of the tiles of the scores.
        block_m: side of the bootstrap blocks.
    """

    split: str
    leaks: bool
    ratio_min_height_m: float
    tile_px: int
    block_m: float


class ExperimentScores(Record):
    """The scores of an experiment.

    Attributes:
        methods: by method and seed; in JSON, seed 0 is the key `seed0`.
        protocol: the conditions of the scores.
    """

    methods: dict[str, dict[int, MethodScores]]
    protocol: Protocol

    @model_validator(mode="before")
    @classmethod
    def _number_seeds(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(methods := value.get("methods"), dict):
            return value
        return value | {
            "methods": {
                name: {str(key).removeprefix("seed"): scores for key, scores in seeds.items()}
                for name, seeds in methods.items()
            }
        }

    def seeds(self, method: str) -> list[MethodScores]:
        """Return the scores of a method by ascending seed."""
        return [scores for _, scores in sorted(self.methods[method].items())]

    def to_json(self) -> dict[str, Any]:
        """Return the content of metrics.json."""
        methods = {
            name: {f"seed{seed}": scores.to_json() for seed, scores in seeds.items()}
            for name, seeds in self.methods.items()
        }
        return {"methods": methods, "protocol": self.protocol.model_dump()}


class Interval(NamedTuple):
    """A score of one method and seed with its 95 % interval; `low` and `high` are NaN if there are too few blocks.

    Attributes:
        blocks: number of blocks that change the score.
        block_m: side of the blocks.
        seed_mean: mean of the score over the seeds.
        seed_sd: its standard deviation over the seeds; NaN with a single seed.
    """

    method: str
    seed: int
    stratum: str
    score: str
    value: float
    low: float
    high: float
    blocks: int
    block_m: float
    seed_mean: float = NAN
    seed_sd: float = NAN

    @property
    def estimated(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)


class Comparison(NamedTuple):
    """The difference of two methods' scores on the same blocks.

    `difference`, `low` and `high` are first minus second; all but `difference` is NaN if there are too few blocks.

    Attributes:
        p: two-sided p value of no difference.
        p_holm: p corrected for all pairs of this score.
        better: `first` or `second` if one is significantly better, else empty.
    """

    first: str
    second: str
    stratum: str
    score: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    blocks: int
    better: str

    @property
    def tested(self) -> bool:
        """Whether the two could be tested."""
        return not math.isnan(self.p_holm)

    @property
    def winner(self) -> str:
        """The method that is significantly better, empty for a tie."""
        return {"first": self.first, "second": self.second}.get(self.better, "")

    def turned(self) -> Self:
        """Return the same comparison with the methods swapped."""
        return self._replace(
            first=self.second, second=self.first, difference=-self.difference, low=-self.high, high=-self.low,
            better={"first": "second", "second": "first"}.get(self.better, ""),
        )  # fmt: skip


class Coverage(NamedTuple):
    """Coverage of the intervals of a method and seed in one class of predicted heights.

    `low` and `high` are the 95 % interval of the coverage at the level of the written intervals; NaN at other levels,
    and if there are too few blocks.

    Attributes:
        kind: pixels or buildings.
        stratum: class of predicted height, or all.
        level: share of the reference that should be inside.
        coverage: share that is.
        width_m: mean width of the intervals.
        bounded: share of the heights that have an interval.
        number: of the heights with a reference.
        blocks: number of blocks that change the coverage.
    """

    method: str
    seed: int
    kind: str
    stratum: str
    level: float
    coverage: float
    low: float
    high: float
    width_m: float
    bounded: float
    number: int
    blocks: int


Row = TypeVar("Row", Interval, Comparison, Coverage)


def read_metrics(path: Path) -> ExperimentScores:
    """Return the scores of a metrics.json, or raise a DataError that names it."""
    return read_record(ExperimentScores, path, "collect the metrics again")


def write_rows(rows: Iterable[Row], kind: type[Row], path: Path, note: str = "") -> None:
    """Write intervals, comparisons or coverages as CSV with six significant digits.

    Args:
        rows: in order.
        kind: of the rows.
        path: the file.
        note: a restriction that applies to all of them, in a column of its own; left out if empty.
    """
    table = pandas.DataFrame(rows, columns=kind._fields)
    if note:
        table = table.assign(note=note)
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.6g")


def read_rows(kind: type[Row], path: Path) -> list[Row]:
    """Return the intervals, comparisons or coverages of a CSV file.

    Raises:
        DataError: the file is missing, or lacks a column.
    """
    if not path.is_file():
        raise DataError(f"{path}: this table does not exist; collect the metrics first")
    table = pandas.read_csv(path)
    if missing := [name for name in kind._fields if name not in table]:
        raise DataError(f"{path}: has no column {missing[0]!r}; collect the metrics again")
    types = get_type_hints(kind)
    table = table[list(types)].fillna({name: "" for name, of in types.items() if of is str})
    rows = table.itertuples(index=False, name=None)
    return [kind(*(of(value) for of, value in zip(types.values(), row, strict=True))) for row in rows]

"""Adds our scores and their intervals to the printed numbers of a table."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas

from img2height.comparison.record import ExperimentScores, Interval
from img2height.errors import DataError
from img2height.published.table import Column, Row, Table
from img2height.settings.parsing import meant
from img2height.settings.protocol import LEAKS
from img2height.vocabulary.scores import STRATUM_OF

Intervals = Mapping[tuple[str, int, str, str], Interval]  # by method, seed, stratum and score


class Cell(NamedTuple):
    """One cell of a filled table.

    Attributes:
        row: label of its row.
        method: our method.
        column: header of its column.
        score: dotted key of our score, if we have one.
        unit: of our score.
        printed: the printed number, if any.
        ours: our score; None if the method was not run or nothing counts.
        low: lower end of our 95 % interval, if any.
        high: upper end of it.
        note: on the row or the column.
    """

    row: str
    method: str
    column: str
    score: str | None
    unit: str
    printed: float | None
    ours: float | None
    low: float | None
    high: float | None
    note: str


NUMBERS = ["printed", "ours", "low", "high"]


def fill(table: Table, metrics: ExperimentScores, intervals: Iterable[Interval]) -> pandas.DataFrame:
    """Return one row per cell of the table, row by row: the printed number, ours, and our 95 % interval.

    The columns are the attributes of `Cell`, with NaN for missing numbers. Ours are of the lowest seed, because
    intervals are of one seed.

    Args:
        table: the published table.
        metrics: scores of the experiment.
        intervals: of the scores.

    Raises:
        DataError: the table names a score that no method has.
    """
    by_key = {(item.method, item.seed, item.stratum, item.score): item for item in intervals}
    cells = [
        _cell(row, column, printed, _our_number(table.title, row, column, metrics, by_key))
        for row in table.rows
        for column, printed in zip(table.columns, row.printed or [None] * len(table.columns), strict=True)
    ]
    return pandas.DataFrame(cells, columns=Cell._fields).astype(dict.fromkeys(NUMBERS, float))


def split_notes(metrics: ExperimentScores) -> list[str]:
    """Return the warnings about the split of an experiment, if any."""
    return [f"{LEAKS.capitalize()}, so our scores are too optimistic for new areas."] if metrics.protocol.leaks else []


def notes_of(table: Table, metrics: ExperimentScores) -> list[str]:
    """Return the notes of a table that hold for all its numbers, starting with those on the experiment."""
    notes = split_notes(metrics)
    if missing := sorted(table.methods - set(metrics.methods)):
        notes.append(f"A dash: not run in this experiment ({', '.join(missing)}), or nothing to count.")
    return notes + table.notes


class _OurNumber(NamedTuple):
    ours: float | None = None
    low: float | None = None
    high: float | None = None


def _cell(row: Row, column: Column, printed: float | None, number: _OurNumber) -> Cell:
    note = " ".join(note for note in (row.note, column.note) if note)
    key, method = _key(row, column), column.method or row.method
    return Cell(row.label, method, column.header, key, column.unit, printed, *number, note)


def _key(row: Row, column: Column) -> str | None:
    """Return the dotted key of our score for a cell."""
    return ".".join(part for part in (row.within, column.score) if part) if column.score else None


def _our_number(title: str, row: Row, column: Column, metrics: ExperimentScores, intervals: Intervals) -> _OurNumber:
    """Return our score for a cell, and its interval."""
    key, method = _key(row, column), column.method or row.method
    if key is None or method not in metrics.methods:
        return _OurNumber()
    scores = metrics.seeds(method)[0]
    stratum, _, score = key.rpartition(".")
    interval = intervals.get((method, scores.seed, STRATUM_OF.get(stratum, stratum), score))
    ours = _look_up(scores.to_json(), key, title, column)
    return _OurNumber(ours) if interval is None else _OurNumber(ours, interval.low, interval.high)


def _look_up(scores: dict[str, Any], key: str, title: str, column: Column) -> float | None:
    """Return the score of a dotted key; None where the scores say null."""
    found: Any = scores
    for part in key.split("."):
        if not isinstance(found, dict):
            return None  # the group itself is null: none of it was scored
        if part not in found:
            raise DataError(f"{title}, column {column.header}: there is no score {key!r}: {meant(part, list(found))}")
        found = found[part]
    return found

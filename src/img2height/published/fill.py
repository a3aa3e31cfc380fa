"""Adds our scores and their intervals to the printed numbers of a table."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas

from img2height.comparison.record import ExperimentScores, Interval
from img2height.errors import DataError
from img2height.published.table import Column, Row, Table
from img2height.settings.parsing import meant
from img2height.vocabulary.scores import STRATUM_OF

CELLS = ["row", "method", "column", "score", "unit", "printed", "ours", "low", "high", "note"]
RANDOM_SPLIT = (
    "Random split: neighbours of the test tiles were trained on, so our scores are too optimistic for new areas."
)


def fill(table: Table, metrics: ExperimentScores, intervals: Iterable[Interval]) -> pandas.DataFrame:
    """Return one row per cell of the table, row by row: the printed number, ours, and our 95 % interval.

    Columns: row, method, column, score, unit, printed, ours, low, high (numbers or NaN) and note. Ours is NaN if the
    experiment did not run the method or nothing counts. All are of the lowest seed, because intervals are of one seed.

    Args:
        table: the published table.
        metrics: scores of the experiment.
        intervals: of the scores.

    Raises:
        DataError: the table names a score that no method has.
    """
    known = {(item.method, item.seed, item.stratum, item.score): item for item in intervals}
    cells = [_cell(table, metrics, known, row, number) for row in table.rows for number in range(len(table.columns))]
    return pandas.DataFrame(cells, columns=CELLS).astype(dict.fromkeys(["printed", "ours", "low", "high"], float))


def split_notes(metrics: ExperimentScores) -> list[str]:
    """Return the warnings about the split of an experiment, if any."""
    return [RANDOM_SPLIT] if metrics.protocol.leaks else []


def notes_of(table: Table, metrics: ExperimentScores) -> list[str]:
    """Return the notes of a table that hold for all its numbers, starting with those on the experiment."""
    notes = split_notes(metrics)
    if missing := sorted(table.methods - set(metrics.methods)):
        notes.append(f"A dash: not run in this experiment ({', '.join(missing)}), or nothing to count.")
    return notes + table.notes


Known = Mapping[tuple[str, int, str, str], Interval]


def _cell(table: Table, metrics: ExperimentScores, known: Known, row: Row, number: int) -> dict[str, Any]:
    column = table.columns[number]
    method = column.method or row.method
    key = ".".join(part for part in (row.within, column.score) if part) if column.score else None
    cell = {
        "row": row.label,
        "method": method,
        "column": column.header,
        "score": key,
        "unit": column.unit,
        "printed": row.printed[number] if row.printed else None,
        "note": " ".join(note for note in (row.note, column.note) if note),
    }
    if key is None or method not in metrics.methods:
        return cell
    scores = metrics.seeds(method)[0]
    stratum, _, score = key.rpartition(".")
    interval = known.get((method, scores.seed, STRATUM_OF.get(stratum, stratum), score))
    ends = {"low": interval.low, "high": interval.high} if interval else {}
    return cell | {"ours": _look_up(scores.to_json(), key, table.title, column)} | ends


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

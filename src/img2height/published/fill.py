"""Adds our scores and their intervals to the printed numbers of a table."""

from typing import Any

import pandas

from img2height.errors import DataError
from img2height.published.table import Column, Row, Table
from img2height.settings.parsing import meant

CELLS = ["row", "method", "column", "score", "unit", "printed", "ours", "low", "high", "note"]
RANDOM_SPLIT = (
    "Random split: neighbours of the test tiles were trained on, so our scores are too optimistic for new areas."
)
MASK = "footprint"  # scores of the building mask, whose intervals are listed under all pixels


def fill(table: Table, metrics: dict[str, Any], intervals: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row per cell of the table, row by row: the printed number, ours, and our 95 % interval.

    Columns: row, method, column, score, unit, printed, ours, low, high (numbers or NaN) and note. Ours is NaN if the
    experiment did not run the method or nothing counts. All are of the lowest seed, because intervals are of one seed.

    Args:
        table: the published table.
        metrics: content of metrics.json.
        intervals: content of intervals.csv.

    Raises:
        DataError: the table names a score that no method has.
    """
    known = intervals.set_index(["method", "seed", "stratum", "score"])[["low", "high"]]
    cells = [_cell(table, metrics, known, row, number) for row in table.rows for number in range(len(table.columns))]
    return pandas.DataFrame(cells, columns=CELLS).astype(dict.fromkeys(["printed", "ours", "low", "high"], float))


def split_notes(metrics: dict[str, Any]) -> list[str]:
    """Return the warnings about the split of an experiment, if any."""
    return [RANDOM_SPLIT] if metrics["protocol"]["leaks"] else []


def notes_of(table: Table, metrics: dict[str, Any]) -> list[str]:
    """Return the notes of a table that hold for all its numbers, starting with those on the experiment."""
    notes = split_notes(metrics)
    if missing := sorted(table.methods - set(metrics["methods"])):
        notes.append(f"A dash: not run in this experiment ({', '.join(missing)}), or nothing to count.")
    return notes + table.notes


def _cell(table: Table, metrics: dict[str, Any], known: pandas.DataFrame, row: Row, number: int) -> dict[str, Any]:
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
    if key is None or method not in metrics["methods"]:
        return cell
    seeds = metrics["methods"][method]
    seed = min(int(name.removeprefix("seed")) for name in seeds)
    low, high = _interval(known, method, seed, key)
    return cell | {"ours": _look_up(seeds[f"seed{seed}"], key, table.title, column), "low": low, "high": high}


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


def _interval(known: pandas.DataFrame, method: str, seed: int, key: str) -> tuple[float | None, float | None]:
    stratum, _, score = key.rpartition(".")
    place = (method, seed, "all" if stratum == MASK else stratum, score)
    return tuple(known.loc[place]) if place in known.index else (None, None)

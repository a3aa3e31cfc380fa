"""The score tables of the page: each score with its interval, and what is really better than what."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas

from img2height.report.tables.findings import leading, ranked_on
from img2height.report.tables.intervals import Interval, Uncertainty
from img2height.report.tables.scores import BASELINE, format_score, is_score
from img2height.vocabulary.quantities import GROUPS

STRATUM_TITLES = {
    "all": "All pixels",
    "buildings": "Building pixels",
    "footprint": "Footprint",
    "instances": "Buildings",
}
SCORE_TITLES = {
    "rmse_m": "RMSE (m)", "rmse_ratio": f"RMSE / {BASELINE}", "mae_m": "MAE (m)", "nmad_m": "NMAD (m)",
    "bias_m": "bias (m)", "delta1": "δ1", "delta2": "δ2", "delta3": "δ3", "ssim": "SSIM", "coverage": "coverage",
    "rmse_sd_m": "RMSE sd (m)", "iou": "IoU", "dice": "Dice", "precision": "precision", "recall": "recall", "f1": "F1",
}  # fmt: skip
LESS_IS_BETTER = {"rmse_m", "rmse_ratio", "mae_m", "nmad_m"}
NOT_RANKED = {"coverage", "rmse_sd_m"}
HEADLINE = {"all": ["rmse_m", "bias_m"], "buildings": ["rmse_m"], "footprint": ["iou"], "instances": ["f1"]}


class Cell(NamedTuple):
    """One score as it is shown: its text, its value to sort by, its interval, and whether none is really better."""

    text: str
    value: float
    interval: str
    strong: bool


Columns = list[tuple[str, list[tuple[str, str]]]]  # title of a group, and stratum and score of each of its columns


def all_columns(table: pandas.DataFrame) -> Columns:
    """Return the columns of the whole score table by group."""
    groups = []
    for stratum in STRATUM_TITLES:
        prefix = f"{stratum}_"
        names = [c.removeprefix(prefix) for c in table.columns if c.startswith(prefix) and is_score(table, c)]
        groups.append((stratum, [(stratum, name) for name in names if name in SCORE_TITLES]))
    return [(STRATUM_TITLES[stratum], columns) for stratum, columns in groups if columns]


def headline_columns(table: pandas.DataFrame) -> Columns:
    """Return the few columns that the reader needs first."""
    groups = [
        (STRATUM_TITLES[stratum], [(stratum, score) for score in scores if is_score(table, f"{stratum}_{score}")])
        for stratum, scores in HEADLINE.items()
    ]
    return [(title, columns) for title, columns in groups if columns]


def ranked_rows(table: pandas.DataFrame, columns: Columns, uncertainty: Uncertainty) -> dict[str, list[dict[str, Any]]]:
    """Return by title of the group of quantities its rows: method, trivial, needs, verdict, note and cells.

    Args:
        table: see `img2height.report.tables.scores.score_table`.
        columns: the scores to show.
        uncertainty: intervals and comparisons.
    """
    best = {(s, score): best_methods(table, s, score, uncertainty) for _, group in columns for s, score in group}
    said = verdicts(table, uncertainty)
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        cells = [
            _cell(row[f"{s}_{score}"], s, score, uncertainty, row["method"], row["method"] in best[s, score])
            for _, group in columns
            for s, score in group
        ]
        kept = {name: row[name] for name in ("method", "trivial", "needs", "note")}
        title = GROUPS[row["group"]].title
        groups.setdefault(title, []).append(kept | {"verdict": said[row["method"]], "cells": cells})
    return groups


def _cell(value: float, stratum: str, score: str, uncertainty: Uncertainty, method: str, strong: bool) -> Cell:
    interval = None if score in NOT_RANKED else uncertainty.interval(method, stratum, score)
    return cell(value, score, interval, strong, uncertainty.any_known)


def cell(value: float, score: str, interval: Interval | None, strong: bool, few_blocks: bool) -> Cell:
    """Return one score as it is shown.

    Args:
        value: of the score.
        score: its name.
        interval: None where it has none by its nature.
        strong: whether no other method is really better.
        few_blocks: whether to say that there were too few blocks for an interval; the table says it where all lack one.
    """
    shown = interval is not None and not pandas.isna(value) and (interval.known or few_blocks)
    return Cell(format_score(score, value), value, interval.text(score) if shown else "", strong)


def best_methods(table: pandas.DataFrame, stratum: str, score: str, uncertainty: Uncertainty) -> list[str]:
    """Return the best trained methods: the best value as it is printed, and what cannot be told from it.

    Args:
        table: see `img2height.report.tables.scores.score_table`.
        stratum: of the score.
        score: its name.
        uncertainty: comparisons.
    """
    column = f"{stratum}_{score}"
    ranked = ranked_on(table, stratum)
    ranked = ranked[ranked[column].notna()]
    if score in NOT_RANKED or len(ranked) < 2:
        return []
    values = ranked[column].abs() if score == "bias_m" else ranked[column]
    wanted = values.min() if score in LESS_IS_BETTER or score == "bias_m" else values.max()
    printed = values.map(lambda value: format_score(column, value).lstrip("+"))
    same = set(ranked.method[printed == format_score(column, wanted).lstrip("+")])
    best = ranked.method[values == wanted].iloc[0]
    found = {name: uncertainty.difference(best, name, stratum, score) for name in ranked.method}
    same |= {name for name, item in found.items() if item is not None and item.known and not item.better}
    return [name for name in ranked.method if name in same]


def verdicts(table: pandas.DataFrame, uncertainty: Uncertainty) -> dict[str, str]:
    """Return by method how its RMSE over all pixels stands to that of the best trained one.

    Args:
        table: see `img2height.report.tables.scores.score_table`.
        uncertainty: comparisons.
    """
    ranked = leading(table)
    if ranked.empty:
        return dict.fromkeys(table.method, "–")
    best, group = ranked.iloc[0].method, ranked.iloc[0].group
    said = {
        row.method: _verdict(row.method, best, uncertainty) if row.group == group else "not ranked with it"
        for row in table.itertuples()
    }
    rivals = [name for name in ranked.method if name != best]
    alone = rivals and all(said[name].startswith("worse") for name in rivals)
    return said | {best: "best, ahead of all trained" if alone else "best"}


def _verdict(method: str, best: str, uncertainty: Uncertainty) -> str:
    found = uncertainty.difference(method, best, "all", "rmse_m")
    if found is None or not found.known:
        return "not tested"
    if not found.better:
        return f"as good ({found.p_text})"
    return f"{'worse' if found.better == best else 'better'} ({found.p_text})"


def comparison_rows(uncertainty: Uncertainty, columns: Sequence[tuple[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """Return by title of the score all pairs of methods that were compared, as text.

    Args:
        uncertainty: comparisons.
        columns: stratum and score of each.
    """
    found: Mapping[str, list] = {
        f"{STRATUM_TITLES[stratum]}: {SCORE_TITLES[score]}": uncertainty.differences(stratum, score)
        for stratum, score in columns
    }
    return {
        title: [
            {"pair": f"{item.first} − {item.second}", "blocks": item.blocks, "p": item.p}
            | {"text": _signed(item.difference), "value": item.difference, "p_text": item.p_text if item.known else "–"}
            | {"interval": f"{_signed(item.low)} to {_signed(item.high)}" if item.known else "too few blocks"}
            | {"better": item.better or ("neither" if item.known else "–")}
            for item in items
        ]
        for title, items in found.items()
        if items
    }


def _signed(value: float) -> str:
    return "–" if pandas.isna(value) else f"{value:+.3f}".replace("-", "−")

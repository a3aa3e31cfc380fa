"""The score tables of the page: scores with their intervals, and significant differences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import pandas

from img2height.comparison.record import Comparison, Interval
from img2height.io.tables import rows_of
from img2height.report.tables.findings import leading, ranked_on
from img2height.report.tables.intervals import Uncertainty, interval_text, p_text
from img2height.report.tables.scores import is_score
from img2height.settings.protocol import Metrics
from img2height.vocabulary import scores as vocabulary
from img2height.vocabulary.quantities import GROUPS as QUANTITY_GROUPS
from img2height.vocabulary.score import Score
from img2height.vocabulary.scores import GROUPS

HEADLINE = {"all": ["rmse_m", "bias_m"], "buildings": ["rmse_m"], "footprint": ["iou"], "instances": ["f1"]}
BUILDINGS = {
    "instances": ["f1", "mean_f1", "boundary_iou", "polis_m", "corner_ratio"],
    "found": ["rmse_m", "mae_m", "volume_error"],
    "given": ["rmse_m", "mae_m", "volume_error"],
}

Kind = Literal["ahead", "best", "ties", "worse", "better", "untested", "unranked"]


class Cell(NamedTuple):
    """One score as shown: text, value to sort by, interval, and whether no method is significantly better."""

    text: str
    value: float
    interval: str
    strong: bool


class Verdict(NamedTuple):
    """The RMSE of a method relative to that of the best trained one: the kind of verdict, and its text."""

    kind: Kind
    text: str


UNRANKED = Verdict("unranked", "not ranked")


class RankedRow(NamedTuple):
    """One row of a score table: the method, its inputs, the restriction of its group, its verdict and scores."""

    method: str
    trivial: bool
    needs: str
    note: str
    verdict: Verdict
    cells: list[Cell]


class ComparisonRow(NamedTuple):
    """One pair of methods as shown: difference, its interval and p value, each as number or text; the better one."""

    pair: str
    value: float
    text: str
    interval: str
    p: float
    p_text: str
    blocks: int
    better: str


Columns = list[tuple[str, list[tuple[str, Score]]]]  # title of a group, and group and score of each of its columns


def all_columns(table: pandas.DataFrame) -> Columns:
    """Return the columns of the whole score table by group."""
    groups = [
        (GROUPS[group], [(group, score) for score in scores if is_score(table, f"{group}_{score.name}")])
        for group, scores in vocabulary.columns().items()
    ]
    return [(title, columns) for title, columns in groups if columns]


def chosen_columns(table: pandas.DataFrame, chosen: Mapping[str, Sequence[str]]) -> Columns:
    """Return some columns of the score table by group.

    Args:
        table: see `img2height.report.tables.scores.score_table`.
        chosen: names of scores by group, such as `HEADLINE`.
    """
    groups = [
        (title, [(group, score) for group, score in columns if score.name in chosen.get(group, ())])
        for title, columns in all_columns(table)
    ]
    return [(title, columns) for title, columns in groups if columns]


def ranked_rows(table: pandas.DataFrame, columns: Columns, uncertainty: Uncertainty) -> dict[str, list[RankedRow]]:
    """Return the rows of a score table by title of their group of quantities.

    Args:
        table: see `img2height.report.tables.scores.score_table`.
        columns: the scores to show.
        uncertainty: intervals and comparisons.
    """
    flat = [column for _, group in columns for column in group]
    best = {(group, score.name): best_methods(table, group, score, uncertainty) for group, score in flat}
    judged = verdicts(table, uncertainty)
    groups: dict[str, list[RankedRow]] = {}
    for row in rows_of(table):
        cells = [
            _cell(row, group, score, uncertainty, row["method"] in best[group, score.name]) for group, score in flat
        ]
        made = RankedRow(row["method"], row["trivial"], row["needs"], row["note"], judged[row["method"]], cells)
        groups.setdefault(QUANTITY_GROUPS[row["group"]].title, []).append(made)
    return groups


def _cell(row: Mapping[str, Any], group: str, score: Score, uncertainty: Uncertainty, strong: bool) -> Cell:
    interval = uncertainty.interval(row["method"], group, score.name) if score.better else None
    return cell(row[f"{group}_{score.name}"], score, interval, strong, uncertainty.any_estimated)


def cell(value: float, score: Score, interval: Interval | None, strong: bool, few_blocks: bool) -> Cell:
    """Return one score as shown.

    Args:
        value: of the score.
        score: the score.
        interval: None if this score has none.
        strong: whether no other method is significantly better.
        few_blocks: whether to note too few blocks for an interval; if no score has one, the table states it once.
    """
    text = ""
    if interval is not None and not math.isnan(value) and (interval.estimated or few_blocks):
        text = interval_text(interval, score)
    return Cell(score.text(value), value, text, strong)


def best_methods(table: pandas.DataFrame, group: str, score: Score, uncertainty: Uncertainty) -> list[str]:
    """Return the best trained methods: those with the best printed value, and those not significantly different.

    Args:
        table: see `img2height.report.tables.scores.score_table`.
        group: of the score.
        score: the score.
        uncertainty: comparisons.
    """
    column = f"{group}_{score.name}"
    ranked = ranked_on(table, group)
    ranked = ranked[ranked[column].notna()]
    if not score.better or len(ranked) < 2:
        return []
    badness = score.badness(ranked[column])
    best, least = ranked.method[badness.idxmin()], score.text(badness.min())
    same = {name for name, value in zip(ranked.method, badness, strict=True) if score.text(value) == least}
    found = {name: uncertainty.difference(best, name, group, score.name) for name in ranked.method}
    same |= {name for name, item in found.items() if item is not None and item.tested and not item.winner}
    return [name for name in ranked.method if name in same]


def verdicts(table: pandas.DataFrame, uncertainty: Uncertainty) -> dict[str, Verdict]:
    """Return by method its RMSE over all pixels relative to that of the best trained one.

    Args:
        table: see `img2height.report.tables.scores.score_table`.
        uncertainty: comparisons.
    """
    ranked = leading(table)
    if ranked.empty:
        return dict.fromkeys(table.method, Verdict("unranked", "–"))
    best, group = ranked.iloc[0].method, ranked.iloc[0].group
    judged = {
        row["method"]: _verdict(row["method"], best, uncertainty) if row["group"] == group else UNRANKED
        for row in rows_of(table)
    }
    rivals = [name for name in ranked.method if name != best]
    alone = rivals and all(judged[name].kind == "worse" for name in rivals)
    return judged | {best: Verdict("ahead", "best, significantly") if alone else Verdict("best", "best")}


def _verdict(method: str, best: str, uncertainty: Uncertainty) -> Verdict:
    found = uncertainty.difference(method, best, "all", "rmse_m")
    if found is None or not found.tested:
        return Verdict("untested", "not tested")
    if not found.winner:
        return Verdict("ties", f"tie ({p_text(found)})")
    kind: Kind = "worse" if found.winner == best else "better"
    return Verdict(kind, f"{kind} ({p_text(found)})")


def comparison_rows(uncertainty: Uncertainty, columns: Sequence[tuple[str, Score]]) -> dict[str, list[ComparisonRow]]:
    """Return all compared pairs of methods as text, by title of the score.

    Args:
        uncertainty: comparisons.
        columns: group and score of each.
    """
    found = {
        f"{GROUPS[group]}: {score.heading}": uncertainty.differences(group, score.name) for group, score in columns
    }
    return {title: [_comparison_row(item) for item in items] for title, items in found.items() if items}


def _comparison_row(item: Comparison) -> ComparisonRow:
    return ComparisonRow(
        pair=f"{item.first} − {item.second}",
        value=item.difference,
        text=_signed(item.difference),
        interval=f"{_signed(item.low)} to {_signed(item.high)}" if item.tested else "too few blocks",
        p=item.p_holm,
        p_text=p_text(item) if item.tested else "–",
        blocks=item.blocks,
        better=item.winner or ("neither" if item.tested else "–"),
    )


def glossary(settings: Metrics) -> dict[str, str]:
    """Return the definitions of the scores of the score table by title.

    Args:
        settings: constants of the scores.
    """
    scores = [score for group in vocabulary.columns().values() for score in group]
    return {score.title: score.meaning.format(**settings.model_dump()) for score in scores}


def _signed(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.3f}".replace("-", "−")

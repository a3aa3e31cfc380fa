"""Scores by stratum and stereo pair: the effect of a refinement on buildings, terrain, matched and filled pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas

from img2height.comparison.record import ExperimentScores
from img2height.io.tables import rows_of
from img2height.report.tables.findings import Finding
from img2height.report.tables.scores import seed_mean
from img2height.scoring.record import MethodScores, Strata
from img2height.scoring.strata import STRATA
from img2height.vocabulary.score import Score
from img2height.vocabulary.scores import columns

INITIAL = "initial_dsm"  # the method that returns the initial surface model unchanged
FINAL, POOLED = "final", "pooled"
SCORES = {score.name: score for score in columns()["all"] if score.by_stratum}
REFINED = [
    "all", "matched", "filled", "buildings", "buildings_dilated", "terrain", "terrain_no_water",
    "terrain_no_water_forest",
]  # fmt: skip
OF_PAIRS = ["all", "buildings_dilated", "terrain"]
Groups = list[tuple[str, list[tuple[str, Score | None]]]]


class ScoreRow(NamedTuple):
    """One row of a table of scores: its identifier, its heading, and its values and their intervals by column."""

    key: str
    title: str
    scores: dict[str, float]
    intervals: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class ScoreRows:
    """A table of scores as shown on the page.

    Attributes:
        id: of its element in the page.
        caption: of the table.
        corner: title of the first column.
        groups: title and columns of each group; a column with its score, or None for numbers of pixels.
        rows: in order.
    """

    id: str
    caption: str
    corner: str
    groups: Groups
    rows: list[ScoreRow]


def strata_table(metrics: ExperimentScores, methods: Sequence[str]) -> pandas.DataFrame:
    """Return the height errors of all methods, one row per stratum with pixels.

    Columns: method; heights (`final`, and with stereo pairs `pair <number>` and `pooled`, the errors of all pairs
    together); stratum; pixels; rmse_m, mae_m, nmad_m, bias_m. Scores are means over the seeds.

    Args:
        metrics: scores of the experiment.
        methods: their names, in order.
    """
    rows = [row for method in methods for row in _rows(method, metrics.seeds(method))]
    return pandas.DataFrame(rows, columns=["method", "heights", "stratum", "pixels", *SCORES])


def _rows(method: str, seeds: Sequence[MethodScores]) -> list[dict[str, Any]]:
    parts: dict[str, list[Strata]] = {FINAL: [entry.strata for entry in seeds]}
    if seeds[0].pairs:
        parts |= {f"pair {number}": [entry.pairs[number] for entry in seeds] for number in sorted(seeds[0].pairs)}
        parts[POOLED] = [entry.pooled for entry in seeds]
    return [
        {"method": method, "heights": heights, "stratum": stratum, "pixels": of_seeds[0][stratum]["pixels"]}
        | {name: seed_mean([strata[stratum].get(name) for strata in of_seeds]) for name in SCORES}
        for heights, of_seeds in parts.items()
        for stratum in STRATA
        if of_seeds[0].get(stratum, {}).get("pixels")
    ]


def before_after(table: pandas.DataFrame, method: str) -> ScoreRows:
    """Return the errors before and after a refinement; without a score of the initial surface model, only after.

    Args:
        table: see `strata_table`.
        method: refines the initial surface model.
    """
    final = table[table.heights == FINAL].set_index("stratum")
    before, after = (final[final.method == name] for name in (INITIAL, method))
    joined = after.join(before[list(SCORES)].add_prefix("before_"))
    found = {row["stratum"]: row for row in rows_of(joined.reset_index())}
    rows = [ScoreRow(name, STRATA[name], found[name]) for name in REFINED if name in found]
    groups: Groups = [("", [("pixels", None)])]
    if len(before):
        groups.append((f"before ({INITIAL})", [(f"before_{name}", score) for name, score in SCORES.items()]))
    groups.append((f"after ({method})", list(SCORES.items())))
    return ScoreRows(f"refined-{method}", f"Errors before and after {method} by land cover", "land cover", groups, rows)


def by_pair(table: pandas.DataFrame, method: str) -> ScoreRows | None:
    """Return the errors of each stereo pair, of all pairs pooled, and of the median of the pairs; None without pairs.

    Args:
        table: see `strata_table`.
        method: its name.
    """
    own = table[table.method == method]
    if not (own.heights == POOLED).any():
        return None
    groups: Groups = [
        (STRATA[stratum], [(f"{stratum}_{name}", score) for name, score in SCORES.items()])
        for stratum in OF_PAIRS
        if (own.stratum == stratum).any()
    ]
    rows = []
    for heights in own.heights.unique():
        part = own[own.heights == heights]
        scores = {f"{row['stratum']}_{score}": row[score] for row in rows_of(part) for score in SCORES}
        title = {FINAL: "median of the pairs", POOLED: "pooled"}.get(heights, heights)
        rows.append(ScoreRow(heights, title, scores))
    return ScoreRows(f"pairs-{method}", f"Errors of {method} by stereo pair", "heights", groups, [*rows[1:], rows[0]])


def refinements(table: pandas.DataFrame, methods: Sequence[str]) -> list[Finding]:
    """Return the change of the RMSE by each refinement as findings; empty if the initial surface model has no score.

    Args:
        table: see `strata_table`.
        methods: those that refine the initial surface model.
    """
    rmse = table[(table.heights == FINAL) & (table.stratum == "all")].set_index("method").rmse_m
    if INITIAL not in rmse.index:
        return []
    before = rmse[INITIAL]
    return [Finding("refined", name, _refined(name, before, rmse[name])) for name in methods if name in rmse.index]


def _refined(method: str, before_m: float, after_m: float) -> str:
    word = "lowers" if after_m < before_m else "raises"
    return f"{method} {word} the RMSE of the initial surface model from {before_m:.2f} m to {after_m:.2f} m."


def to_markdown(table: pandas.DataFrame) -> str:
    """Return the table of strata as Markdown."""
    text = table.assign(**{name: [score.text(value) for value in table[name]] for name, score in SCORES.items()})
    align = ["left"] * 3 + ["right"] * (1 + len(SCORES))
    return text.to_markdown(index=False, colalign=align, disable_numparse=True) + "\n"

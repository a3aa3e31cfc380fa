"""Errors by class: reference height, building size, edges. An average over all pixels hides those of tall buildings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas

from img2height.comparison.record import Interval
from img2height.io.tables import rows_of
from img2height.report.tables.findings import Finding
from img2height.report.tables.intervals import Uncertainty, interval_text
from img2height.report.tables.scores import seed_mean
from img2height.scoring.record import MethodScores
from img2height.scoring.strata import STRATA
from img2height.vocabulary.scores import SCORES

CLASS_SCORES = {score.name: score for score in SCORES if score.by_class}
CLASSES = ("height_", "building_", "buildings_tall", "edges")
HEIGHTS, TALL = "height_", "buildings_tall"


def class_table(seeds: Sequence[MethodScores], uncertainty: Uncertainty, method: str) -> pandas.DataFrame:
    """Return one row per class with pixels, in the order of the strata.

    Columns: stratum, title, pixels, then bias_m, mae_m, rmse_m (means over the seeds), and for each the interval of the
    first seed as `<score>_interval`, None if it has none.

    Args:
        seeds: scores of the method, by seed.
        uncertainty: intervals.
        method: its name.
    """
    rows = [
        {"stratum": name, "title": title, "pixels": seeds[0].group(name)["pixels"]}
        | {score: seed_mean([entry.group(name).get(score) for entry in seeds]) for score in CLASS_SCORES}
        | {f"{score}_interval": uncertainty.interval(method, name, score) for score in CLASS_SCORES}
        for name, title in STRATA.items()
        if name.startswith(CLASSES) and seeds[0].group(name).get("pixels")
    ]
    intervals = [f"{score}_interval" for score in CLASS_SCORES]
    return pandas.DataFrame(rows, columns=["stratum", "title", "pixels", *CLASS_SCORES, *intervals])


def heights_only(classes: pandas.DataFrame) -> pandas.DataFrame:
    """Return the rows of the height classes, lowest first."""
    return classes[classes.stratum.str.startswith(HEIGHTS)]


def tallest(tables: Mapping[str, pandas.DataFrame]) -> str | None:
    """Return the stratum of tall buildings, otherwise the highest class of heights; None if there is only one class.

    Args:
        tables: by method, see `class_table`.
    """
    there = {name for table in tables.values() for name in table.stratum}
    heights = [name for name in STRATA if name in there and name.startswith(HEIGHTS)]
    return TALL if TALL in there else heights[-1] if len(heights) > 1 else None


def class_name(stratum: str) -> str:
    """Return the name of a class for a sentence or a table without other headings."""
    return f"{'reference ' if stratum.startswith(HEIGHTS) else ''}{STRATA[stratum]}"


def flattening(tables: Mapping[str, pandas.DataFrame], ranked: Iterable[str], stratum: str | None) -> list[Finding]:
    """Return the bias in the tallest class as a finding: of the best method that has such pixels, if any.

    Args:
        tables: by method, see `class_table`.
        ranked: methods, the best first.
        stratum: see `tallest`.
    """
    for method in ranked:
        for row in rows_of(tables[method][tables[method].stratum == stratum]):
            return [_flattened(row, method)]
    return []


def _flattened(row: Mapping[str, Any], method: str) -> Finding:
    bias_m: float = row["bias_m"]
    interval: Interval | None = row["bias_m_interval"]
    extra = ""
    if interval is not None and interval.estimated:
        extra = f" (95 % interval {interval_text(interval, CLASS_SCORES['bias_m'])} m)"
    name, side = class_name(row["stratum"]), "below" if bias_m < 0 else "above"
    text = f"{name[0].upper()}{name[1:]}: {method} is {abs(bias_m):.1f} m {side} the reference on average{extra}."
    return Finding("tall", method, text)

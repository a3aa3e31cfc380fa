"""Errors of the heights and volumes of buildings by class of height and area."""

from collections.abc import Sequence

from img2height.metrics.buildings import CLASSES
from img2height.report.tables.classes import class_name
from img2height.report.tables.intervals import Uncertainty, interval_text
from img2height.report.tables.scores import seed_mean
from img2height.report.tables.strata import Groups, ScoreRow, ScoreRows
from img2height.scoring.building_tiles import stratum_of
from img2height.scoring.record import MethodScores
from img2height.vocabulary.scores import of_kind

SHOWN = [of_kind("building_errors")[name] for name in ("bias_m", "mae_m", "rmse_m", "volume_error")]
KINDS = {"found": "found, their own heights", "given": "all, heights in the reference outline"}


def building_classes(seeds: Sequence[MethodScores], uncertainty: Uncertainty, method: str) -> ScoreRows | None:
    """Return the errors of the buildings of a method, one row per class; None if there are none.

    Args:
        seeds: scores of the method, by seed; numbers of buildings are those of the first.
        uncertainty: intervals.
        method: its name.
    """
    errors = [entry.building_errors for entry in seeds]
    counts = {
        name: {f"{kind} buildings": errors[0].get(kind, {}).get(name, {}).get("buildings") or 0 for kind in KINDS}
        for name in CLASSES
    }
    there = [name for name in CLASSES if any(counts[name].values())]
    if not there:
        return None
    rows = []
    for name in there:
        values = {
            f"{kind}_{score.name}": seed_mean([one.get(kind, {}).get(name, {}).get(score.name) for one in errors])
            for kind in KINDS
            for score in SHOWN
        }
        title = "all" if name == "all" else class_name(name)
        rows.append(ScoreRow(name, title, values | counts[name], _intervals(uncertainty, method, name)))
    groups: Groups = [
        (title, [(f"{kind} buildings", None), *((f"{kind}_{score.name}", score) for score in SHOWN)])
        for kind, title in KINDS.items()
    ]
    caption = f"Errors of the buildings of {method} by class"
    if uncertainty.any_estimated:
        caption += ", with 95 % intervals where there are enough blocks"
    return ScoreRows(f"buildings-{method}", caption, "class", groups, rows)


def _intervals(uncertainty: Uncertainty, method: str, name: str) -> dict[str, str]:
    """Return the intervals of a class as text, by column."""
    found = {
        f"{kind}_{score.name}": (uncertainty.interval(method, stratum_of(kind, name), score.name), score)
        for kind in KINDS
        for score in SHOWN
    }
    return {column: interval_text(one, score) for column, (one, score) in found.items() if one and one.estimated}

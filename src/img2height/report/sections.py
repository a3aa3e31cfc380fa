"""The section of each method: pictures, charts and tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas

from img2height.report.figures.extremes import tile_pictures
from img2height.report.figures.gallery import ShownScene, charts, pooled_joint, read_histories, scene_pictures
from img2height.report.run import Run
from img2height.report.tables.classes import CLASS_SCORES, class_name, heights_only
from img2height.report.tables.intervals import Uncertainty
from img2height.report.tables.ranking import Cell, cell
from img2height.report.tables.scores import BASELINE, is_trivial, refines
from img2height.report.tables.strata import before_after, by_pair
from img2height.vocabulary.scores import Score


def method_sections(
    run: Run,
    methods: Iterable[str],
    shown: list[ShownScene],
    strata: pandas.DataFrame,
    classes: Mapping[str, pandas.DataFrame],
    figures: Path,
) -> list[dict[str, Any]]:
    """Return the pictures, charts and tables of each method, and write the pictures as PNG files.

    Args:
        run: the experiment.
        methods: their names, in the order of the page.
        shown: scenes to draw.
        strata: see `img2height.report.tables.strata.strata_table`.
        classes: by method, see `img2height.report.tables.classes.class_table`.
        figures: folder for the PNG files.
    """
    baseline = read_histories(run.files[BASELINE], run.folds)[1] if BASELINE in run.recipes else None
    return [_section(run, name, shown, strata, classes[name], baseline, figures) for name in methods]


def _section(
    run: Run,
    name: str,
    shown: list[ShownScene],
    strata: pandas.DataFrame,
    classes: pandas.DataFrame,
    baseline_m: float | None,
    figures: Path,
) -> dict[str, Any]:
    files, recipe = run.files[name], run.recipes[name]
    joint = pooled_joint(files, run.areas)
    trained = sum(not is_trivial(other) for other in run.recipes.values())
    return {
        "name": name,
        "recipe": recipe,
        "scenes": {f"{item.scene.dataset}/{item.scene.name}": _in_scene(run, name, item, figures) for item in shown},
        "charts": charts(read_histories(files, run.folds)[0], baseline_m, joint, heights_only(classes)),
        "tiles": {} if is_trivial(recipe) else tile_pictures(name, files, figures, trained),
        "classes": class_rows(classes, run.uncertainty),
        "class_scores": list(CLASS_SCORES.values()),
        "strata": [before_after(strata, name)] if refines(recipe) else [],
        "pairs": by_pair(strata, name),
    }


def _in_scene(run: Run, name: str, item: ShownScene, figures: Path) -> dict[str, Any]:
    made = run.files[name].of(item.scene.dataset, item.scene.name)
    return scene_pictures(name, item, made, figures, refines=refines(run.recipes[name]))


def class_rows(classes: pandas.DataFrame, uncertainty: Uncertainty) -> list[dict[str, Any]]:
    """Return title, pixels and cells of each class.

    Args:
        classes: see `img2height.report.tables.classes.class_table`.
        uncertainty: states whether any score has an interval.
    """
    return [
        {
            "key": row["stratum"],
            "title": class_name(row["stratum"]),
            "pixels": row["pixels"],
            "cells": [_cell(row, score, uncertainty) for score in CLASS_SCORES.values()],
        }
        for row in classes.to_dict("records")
    ]


def tall_cells(
    classes: Mapping[str, pandas.DataFrame], stratum: str | None, uncertainty: Uncertainty
) -> dict[str, Any]:
    """Return the title of the tallest class and the bias of each method in it; empty without classes of height.

    Args:
        classes: by method, see `img2height.report.tables.classes.class_table`.
        stratum: see `img2height.report.tables.classes.tallest`.
        uncertainty: states whether any score has an interval.
    """
    rows = {name: table[table.stratum == stratum].to_dict("records") for name, table in classes.items()}
    if stratum is None:
        return {}
    nothing = Cell("–", float("nan"), "", False)
    bias = CLASS_SCORES["bias_m"]
    cells = {name: _cell(found[0], bias, uncertainty) if found else nothing for name, found in rows.items()}
    return {"title": class_name(stratum), "score": bias, "cells": cells}


def _cell(row: dict[str, Any], score: Score, uncertainty: Uncertainty) -> Cell:
    return cell(row[score.name], score, row[f"{score.name}_interval"], False, uncertainty.any_known)

"""The section of each method: pictures, charts and tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas

from img2height.io.tables import rows_of
from img2height.report.figures.extremes import tile_pictures
from img2height.report.figures.gallery import (
    ScenePictures,
    ShownScene,
    charts,
    pooled_joint,
    read_histories,
    scene_pictures,
)
from img2height.report.figures.pictures import Picture
from img2height.report.run import Run
from img2height.report.tables.buildings import building_classes
from img2height.report.tables.classes import CLASS_SCORES, class_name, heights_only
from img2height.report.tables.intervals import Uncertainty
from img2height.report.tables.ranking import Cell, cell
from img2height.report.tables.scores import BASELINE, is_trivial, refines
from img2height.report.tables.strata import ScoreRows, before_after, by_pair
from img2height.settings.recipe import Recipe
from img2height.vocabulary.score import Score


class ClassRow(NamedTuple):
    """Errors of one class: its identifier and title, its number of pixels, and its scores."""

    key: str
    title: str
    pixels: int
    cells: list[Cell]


class TallColumn(NamedTuple):
    """A column with the bias of each method in the tallest class."""

    title: str
    score: Score
    cells: dict[str, Cell]


class Section(NamedTuple):
    """The section of one method.

    Attributes:
        name: of the method.
        recipe: of the method.
        scenes: pictures by dataset/scene.
        charts: of all its scenes.
        tiles: its best and its worst tiles.
        classes: errors by class.
        buildings: errors of its buildings by class, if any.
        class_scores: scores of the classes.
        strata: errors before and after the method, if it refines.
        pairs: errors by stereo pair, if it has any.
    """

    name: str
    recipe: Recipe
    scenes: dict[str, ScenePictures]
    charts: list[Picture]
    tiles: dict[str, list[Picture]]
    classes: list[ClassRow]
    class_scores: list[Score]
    buildings: ScoreRows | None
    strata: list[ScoreRows]
    pairs: ScoreRows | None


def method_sections(
    run: Run,
    methods: Iterable[str],
    shown: list[ShownScene],
    strata: pandas.DataFrame,
    classes: Mapping[str, pandas.DataFrame],
    figures: Path,
) -> list[Section]:
    """Return the section of each method, and write its pictures as PNG files.

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
) -> Section:
    files, recipe = run.files[name], run.recipes[name]
    joint = pooled_joint(files, run.areas)
    trained = sum(not is_trivial(other) for other in run.recipes.values())
    return Section(
        name=name,
        recipe=recipe,
        scenes={item.name: _in_scene(run, name, item, figures) for item in shown},
        charts=charts(read_histories(files, run.folds)[0], baseline_m, joint, heights_only(classes)),
        tiles={} if is_trivial(recipe) else tile_pictures(name, files, figures, trained),
        classes=class_rows(classes, run.uncertainty),
        class_scores=list(CLASS_SCORES.values()),
        buildings=building_classes(run.metrics.seeds(name), run.uncertainty, name),
        strata=[before_after(strata, name)] if refines(recipe) else [],
        pairs=by_pair(strata, name),
    )


def _in_scene(run: Run, name: str, item: ShownScene, figures: Path) -> ScenePictures:
    made = run.files[name].of(item.scene.dataset, item.scene.name)
    return scene_pictures(
        name, item, made, figures, run.params.metrics.instance_iou, refines=refines(run.recipes[name])
    )


def class_rows(classes: pandas.DataFrame, uncertainty: Uncertainty) -> list[ClassRow]:
    """Return the errors of each class.

    Args:
        classes: see `img2height.report.tables.classes.class_table`.
        uncertainty: states whether any score has an interval.
    """
    return [
        ClassRow(
            row["stratum"],
            class_name(row["stratum"]),
            row["pixels"],
            [_cell(row, score, uncertainty) for score in CLASS_SCORES.values()],
        )
        for row in rows_of(classes)
    ]


def tall_cells(
    classes: Mapping[str, pandas.DataFrame], stratum: str | None, uncertainty: Uncertainty
) -> TallColumn | None:
    """Return the bias of each method in the tallest class; None if there is only one class of heights.

    Args:
        classes: by method, see `img2height.report.tables.classes.class_table`.
        stratum: see `img2height.report.tables.classes.tallest`.
        uncertainty: states whether any score has an interval.
    """
    if stratum is None:
        return None
    rows = {name: rows_of(table[table.stratum == stratum]) for name, table in classes.items()}
    nothing, bias = Cell("–", float("nan"), "", False), CLASS_SCORES["bias_m"]
    cells = {name: _cell(found[0], bias, uncertainty) if found else nothing for name, found in rows.items()}
    return TallColumn(class_name(stratum), bias, cells)


def _cell(row: dict[str, Any], score: Score, uncertainty: Uncertainty) -> Cell:
    return cell(row[score.name], score, row[f"{score.name}_interval"], False, uncertainty.any_estimated)

"""The report, one HTML file that works offline: settings, scores, pictures and limits."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pandas
from matplotlib import style

from img2height.familiarity.familiarity import BOUND
from img2height.io.atomic import atomic_path
from img2height.report.figures.charts import forest
from img2height.report.figures.crop import read_view
from img2height.report.figures.drawing import STYLE, data_uri
from img2height.report.figures.gallery import ShownScene, sensor_pictures, shown_scenes
from img2height.report.figures.pictures import Picture, chart, photo
from img2height.report.figures.reliability import reliability
from img2height.report.figures.strip import strip
from img2height.report.methods_text import methods_text
from img2height.report.origins import all_versions, data_digests, origins
from img2height.report.run import Run
from img2height.report.sections import method_sections, tall_cells
from img2height.report.tables.classes import class_table, flattening, tallest
from img2height.report.tables.coverage import coverage_table, over_all_pixels
from img2height.report.tables.findings import findings, leading
from img2height.report.tables.ranking import (
    BUILDINGS,
    HEADLINE,
    all_columns,
    chosen_columns,
    comparison_rows,
    glossary,
    ranked_rows,
)
from img2height.report.tables.scores import BASELINE, refines, score_table, to_markdown
from img2height.report.tables.strata import refinements, strata_table
from img2height.report.tables.strata import to_markdown as strata_to_markdown
from img2height.report.tables.unfamiliar import unfamiliar_table
from img2height.report.templating import environment, flat
from img2height.scenes.scene import Scene
from img2height.settings.dataset import About
from img2height.settings.protocol import LEAKS
from img2height.tiles.areas import area_of
from img2height.vocabulary.licences import restricted
from img2height.vocabulary.scores import compared

GLANCE_PX = 260
FOREST = "RMSE of each method with its 95 % interval, if any. The table below has the same numbers."
RELIABILITY = (
    "Share of the test pixels whose reference lies inside the interval of their height, at each level, with its 95 % "
    "interval at the level of the written intervals. Below the line intervals are too narrow, above it too wide."
)


class TableFiles(NamedTuple):
    """The files of the tables: scores and errors by stratum, as CSV at full precision and as Markdown as printed.

    The table of tiles that are unlike the training is a CSV only.
    """

    scores_csv: Path
    scores_md: Path
    strata_csv: Path
    strata_md: Path
    unfamiliar_csv: Path


class Tables(NamedTuple):
    """The tables of an experiment: scores of methods, errors by stratum, and tiles that are unlike the training."""

    scores: pandas.DataFrame
    strata: pandas.DataFrame
    unfamiliar: pandas.DataFrame


class Links(NamedTuple):
    """The addresses of other pages, relative to the report: the cost of the run, and the map, which may not exist."""

    cost: str
    view: str


class Evaluated(NamedTuple):
    """An evaluated scene, the origin of its dataset, and its test area in hectares."""

    scene: Scene
    about: About
    test_ha: float


def write_report(run: Run, out: Path, figures: Path, tables: TableFiles, links: Links) -> None:
    """Write the page, the folder of its pictures, and the tables; the same inputs give the same bytes.

    Args:
        run: the finished experiment.
        out: report.html.
        figures: folder of PNG files, replaced as a whole.
        tables: files of the tables.
        links: addresses of other pages.

    Raises:
        DataError: a file is missing or cannot be read.
    """
    table = score_table(run.metrics, run.recipes, leaks=run.leaks)
    strata = strata_table(run.metrics, table.method.tolist())
    unfamiliar = unfamiliar_table({name: files.predicted for name, files in run.files.items()})
    with atomic_path(figures) as folder, atomic_path(out) as page, style.context(STYLE):
        folder.mkdir()
        page.write_text(_render(run, Tables(table, strata, unfamiliar), folder, links), encoding="utf-8")
        if figures.exists():
            shutil.rmtree(figures)
    strata_text = strata_to_markdown(strata)
    if run.leaks:
        strata, strata_text = strata.assign(note=LEAKS), f"{strata_text}\n{LEAKS}\n"
    for frame, path in (
        (table, tables.scores_csv), (strata, tables.strata_csv), (unfamiliar, tables.unfamiliar_csv),
    ):  # fmt: skip
        with atomic_path(path) as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")
    for text, path in ((to_markdown(table), tables.scores_md), (strata_text, tables.strata_md)):
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _render(run: Run, tables: Tables, figures: Path, links: Links) -> str:
    """Return the HTML of the page, and write its pictures to a folder."""
    table = tables.scores
    refining = [name for name in table.method if refines(run.recipes[name])]
    classes = {name: class_table(run.metrics.seeds(name), run.uncertainty, name) for name in table.method}
    shown = shown_scenes(run.scenes, run.areas, len(run.recipes), len(refining))
    context = (
        _summary(run, tables, classes)
        | _settings(run)
        | {
            "run": run,
            "glance": _glance(run, table, shown[0], figures),
            "links": links,
            "sensors": {item.name: sensor_pictures(item, figures) for item in shown},
            "sections": method_sections(run, table.method, shown, tables.strata, classes, figures),
        }
    )
    return environment().get_template("report.html").render(context)


def _summary(run: Run, tables: Tables, classes: dict[str, pandas.DataFrame]) -> dict[str, object]:
    """Return the findings and the score tables."""
    table = tables.scores
    refining = [name for name in table.method if refines(run.recipes[name])]
    top = tallest(classes)
    tall = flattening(classes, leading(table).method, top)
    headline, buildings, whole = chosen_columns(table, HEADLINE), chosen_columns(table, BUILDINGS), all_columns(table)
    baseline = next(iter(table[table.method == BASELINE].all_rmse_m), None)
    return {
        "table": table,
        "leaks": LEAKS if run.leaks else "",
        "findings": findings(table, run.uncertainty) + refinements(tables.strata, refining) + tall,
        "forest": chart(forest(table, run.uncertainty, baseline), FOREST, "dot plot"),
        "headline": headline,
        "headline_rows": ranked_rows(table, headline, run.uncertainty),
        "buildings": buildings,
        "building_rows": ranked_rows(table, buildings, run.uncertainty),
        "tall": tall_cells(classes, top, run.uncertainty),
        "groups": whole,
        "rows": ranked_rows(table, whole, run.uncertainty),
        "comparisons": comparison_rows(run.uncertainty, compared()),
        "coverage": coverage_table(run.uncertainty, table.method.tolist()),
        "unfamiliar": tables.unfamiliar,
        "bound": BOUND,
        "reliability": _reliability(run, table),
        "glossary": glossary(run.params.metrics),
    }


def _reliability(run: Run, table: pandas.DataFrame) -> Picture | None:
    """Return the chart of the intervals of all methods; None if no height has an interval."""
    found = over_all_pixels(run.uncertainty, table.method.tolist())
    return chart(reliability(found), RELIABILITY, "line chart") if found else None


def _glance(run: Run, table: pandas.DataFrame, shown: ShownScene, figures: Path) -> Picture | None:
    """Return a picture of the best trained method in the first scene; None if no method was trained."""
    best = leading(table).method.head(1)
    if best.empty:
        return None
    scene, name = shown.scene, best.iloc[0]
    made = run.files[name].of(scene.dataset, scene.name)
    view = read_view(scene, shown.area, shown.overview.window, GLANCE_PX)
    figure = strip(scene, view, made.heights, made.interval)
    caption = f"{shown.name} at a glance: the prediction of {name}, the best trained method."
    kind = "image, reference, prediction, error" + (", width of the intervals" if made.interval else "")
    return photo(figure, figures / "glance.png", caption, kind)


def _licences(run: Run) -> dict[str, str | None]:
    """Return the licences of data and weights by what they apply to."""
    data: dict[str, str | None] = {dataset: about.licence for dataset, about in run.about.items()}
    return data | {f"encoder {one.encoder}": one.licence for one in run.pretrained.values()}


def _settings(run: Run) -> dict[str, object]:
    """Return the test areas, settings and origins of a run."""
    return {
        "test_areas": [_evaluated(run, scene) for scene in run.scenes],
        "not_commercial": restricted(_licences(run)),
        "changes": flat({"params": run.experiment.params, "recipes": run.experiment.recipes}),
        "folds_picture": data_uri(run.folds_figure.read_bytes(), "png"),
        "methods_text": methods_text(run, all_versions()),
        "origins": origins(run),
        "data_digests": {f"{scene.dataset}/{scene.name}": data_digests(scene) for scene in run.sources},
    }


def _evaluated(run: Run, scene: Scene) -> Evaluated:
    area = area_of(run.areas, "test", scene.dataset, scene.name)
    return Evaluated(scene, run.about[scene.dataset], area.area * scene.grid.gsd_m**2 / 1e4)

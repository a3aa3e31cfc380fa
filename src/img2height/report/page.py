"""The report as one HTML file that works without a network: what was run, scores, pictures, limits."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import pandas
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import style

from img2height.errors import DataError
from img2height.files import atomic_path
from img2height.report.drawing import STYLE, data_uri
from img2height.report.gallery import (
    MethodFiles,
    ShownScene,
    charts,
    pooled_profile,
    read_histories,
    scene_pictures,
    sensor_pictures,
    shown_scenes,
)
from img2height.report.profile import HeightProfile
from img2height.report.scores import (
    BASELINE,
    STRATA,
    findings,
    format_score,
    is_score,
    refines,
    score_table,
    to_markdown,
)
from img2height.report.strata import before_after, by_pair, refinements, strata_table
from img2height.report.strata import to_markdown as strata_to_markdown
from img2height.scenes.scene import Scene
from img2height.settings import Experiment, Params
from img2height.settings_recipe import Recipe
from img2height.tiles.areas import area_of

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


@dataclass(frozen=True)
class Run:
    """What was run, and the files that it left.

    Attributes:
        experiment: its settings.
        params: the protocol with the experiment's changes.
        recipes: by method, with the experiment's changes.
        metrics: content of metrics.json.
        scenes: the evaluated scenes.
        areas: pixel areas of the folds (fold, part, dataset, scene, geometry).
        folds_figure: map of the folds, PNG.
        heights: predicted heights, all scenes of the experiment's first method, then of the second.
        polygons: predicted buildings, in the same order.
        histories: history.csv, all folds of the first method, then of the second.

    Raises:
        DataError: there are more or fewer files than methods, scenes and folds need.
    """

    experiment: Experiment
    params: Params
    recipes: dict[str, Recipe]
    metrics: dict[str, Any]
    scenes: list[Scene]
    areas: geopandas.GeoDataFrame
    folds_figure: Path
    heights: list[Path]
    polygons: list[Path]
    histories: list[Path]

    def __post_init__(self):
        methods, scenes, folds = len(self.experiment.methods), len(self.scenes), len(self.folds)
        for name, each in (("heights", scenes), ("polygons", scenes), ("histories", folds)):
            if (found := len(getattr(self, name))) != methods * each:
                raise DataError(f"{found} {name} for {methods} methods with {each} each; give {methods * each}")

    @property
    def folds(self) -> list[int]:
        """The folds that were run, in the order of the experiment."""
        folds = self.experiment.folds
        return sorted(int(fold) for fold in self.areas["fold"].unique()) if folds == "all" else folds

    def files(self, method: str) -> MethodFiles:
        """Return the files of one method."""
        index = self.experiment.methods.index(method)
        scenes, folds = (slice(index * each, (index + 1) * each) for each in (len(self.scenes), len(self.folds)))
        return MethodFiles(self.heights[scenes], self.polygons[scenes], self.histories[folds])


def write_report(run: Run, out: Path, figures: Path, tables: Mapping[str, Path]) -> None:
    """Write the page, the folder of its pictures and the tables; the same bytes for the same inputs.

    Args:
        run: what to report.
        out: report.html.
        figures: folder of PNG files, replaced as a whole.
        tables: files by name: `scores_csv` and `strata_csv` at full precision, `scores_md` and `strata_md` as printed.

    Raises:
        DataError: a file is missing or cannot be read.
    """
    table = score_table(run.metrics, run.recipes)
    strata = strata_table(run.metrics, table.method)
    with atomic_path(figures) as folder, atomic_path(out) as page, style.context(STYLE):
        folder.mkdir()
        page.write_text(_render(run, table, strata, folder), encoding="utf-8")
        if figures.exists():
            shutil.rmtree(figures)
    for name, frame, text in (("scores", table, to_markdown(table)), ("strata", strata, strata_to_markdown(strata))):
        with atomic_path(tables[f"{name}_csv"]) as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")
        with atomic_path(tables[f"{name}_md"]) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _render(run: Run, table: pandas.DataFrame, strata: pandas.DataFrame, figures: Path) -> str:
    """Return the page; its pictures are written to a folder on the way."""
    refining = [name for name in table.method if refines(run.recipes[name])]
    shown = shown_scenes(run.scenes, run.areas, len(run.recipes), len(refining))
    baseline = read_histories(run.files(BASELINE), run.folds)[1] if BASELINE in run.recipes else None
    profiles = {name: pooled_profile(run.files(name), run.scenes, run.areas) for name in table.method}
    context = {
        "run": run,
        "table": table,
        "findings": findings(table) + refinements(strata, refining) + _flattening(table, profiles),
        "groups": _columns(table),
        "best": {column: _best(table, column) for column in table.columns},
        "grounds": [_ground(run, scene) for scene in run.scenes],
        "changes": _flat({"params": run.experiment.params, "recipes": run.experiment.recipes}),
        "folds_picture": data_uri(run.folds_figure.read_bytes(), "png"),
        "sensors": {f"{item.scene.dataset}/{item.scene.name}": sensor_pictures(item, figures) for item in shown},
        "sections": [
            _section(run, name, shown, baseline, profiles[name], figures)
            | {"strata": [before_after(strata, name)] if name in refining else [], "pairs": by_pair(strata, name)}
            for name in table.method
        ],
    }
    environment = Environment(
        loader=PackageLoader("img2height.report", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"score": lambda v, column: format_score(column, v), "flat": _flat, "pixels": _pixels}
    return environment.get_template("report.html").render(context)


def _section(
    run: Run, name: str, shown: list[ShownScene], baseline_m: float | None, profile: HeightProfile, figures: Path
) -> dict[str, Any]:
    """Return what the page says of one method."""
    files = run.files(name)
    scenes = {}
    for item in shown:
        place = run.scenes.index(item.scene)
        made = files.heights[place], files.polygons[place]
        pictures = scene_pictures(name, item, *made, figures, refines=refines(run.recipes[name]))
        scenes[f"{item.scene.dataset}/{item.scene.name}"] = pictures
    histories, _ = read_histories(files, run.folds)
    return {
        "name": name,
        "recipe": run.recipes[name],
        "scenes": scenes,
        "charts": charts(histories, baseline_m, profile),
        "classes": profile.table(),
    }


def _flattening(table: pandas.DataFrame, profiles: dict[str, HeightProfile]) -> list[str]:
    """Return what the best trained method does to the highest ground, which an average over all pixels hides."""
    trained = table[~table.trivial & table.all_rmse_m.notna()]
    if trained.empty:
        return []
    name = trained.method.iloc[0]
    classes = profiles[name].table()
    if len(classes) < 2:
        return []
    top = classes.iloc[-1]
    word = "below" if top.bias_m < 0 else "above"
    return [f"Where the reference is {top.height}, {name} lies {abs(top.bias_m):.1f} m {word} it on average."]


def _columns(table: pandas.DataFrame) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the column groups of the score table: title, and column and title of each score."""
    groups = []
    for stratum, title in STRATUM_TITLES.items():
        columns = [c for c in table.columns if c.startswith(f"{stratum}_") and is_score(table, c)]
        if columns:
            groups.append((title, [(c, SCORE_TITLES[c.removeprefix(f"{stratum}_")]) for c in columns]))
    return groups


def _best(table: pandas.DataFrame, column: str) -> list[str]:
    """Return the trained methods with the best value of a score, as it is printed."""
    score = column.removeprefix(next((f"{s}_" for s in STRATA if column.startswith(f"{s}_")), column))
    trained = table[~table.trivial & table[column].notna()]
    if score not in SCORE_TITLES or score in NOT_RANKED or len(trained) < 2:
        return []
    values = trained[column].abs() if score == "bias_m" else trained[column]
    wanted = values.min() if score in LESS_IS_BETTER or score == "bias_m" else values.max()
    text = format_score(column, wanted).lstrip("+")
    same = [format_score(column, value).lstrip("+") == text for value in values]
    return trained.method[same].tolist()


def _ground(run: Run, scene: Scene) -> dict[str, Any]:
    """Return what the page says of one evaluated scene."""
    area = area_of(run.areas, "test", scene.dataset, scene.name)
    return {"scene": scene, "gsd_m": scene.grid.gsd_m, "test_ha": area.area * scene.grid.gsd_m**2 / 1e4}


def _pixels(count: int) -> str:
    """Return a count of pixels with a thin gap between thousands."""
    return f"{count:,}".replace(",", "\u202f")


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with dotted keys."""
    if not isinstance(value, dict) or (not value and prefix):
        return {prefix: value}
    parts = [_flat(inner, f"{prefix}.{key}" if prefix else str(key)) for key, inner in value.items()]
    return {key: inner for part in parts for key, inner in part.items() if inner != {}}

"""A score is declared once: a copy of the package with one more entry computes, compares and shows it everywhere."""

import json
from pathlib import Path

import numpy as np
import pytest
from edited import run_edited

from img2height.methods import recipes_folder
from img2height.scoring.strata import STRATA
from img2height.settings.protocol import Metrics
from img2height.vocabulary.scores import GROUPS, SCORES, columns, compared, of_kind

TESTS = Path(__file__).parents[1]

ANCHOR = '    Score("mse_m2", '
LOSS = """    Score(
        "excess_m", "excess", "errors", lambda s: s.share(s.absolute_sum_m + s.error_sum_m, 2 * s.pixels), "m", "lower",
        _HEIGHTS, "mean of the errors that are too high", place=3, by_stratum=True, by_class=True, compared=True,
    ),"""
CODE = """
import json, sys
sys.path[:0] = [TESTS, TESTS + "/comparison"]
from pathlib import Path
from test_collect import PARAMS, entry, experiment
from img2height.metrics import ErrorStatistics
from img2height.report.tables.classes import class_table
from img2height.report.tables.intervals import Uncertainty
from img2height.report.tables.ranking import all_columns, comparison_rows, glossary, ranked_rows
from img2height.report.tables.scores import score_table, to_markdown
from img2height.report.tables.strata import strata_table
from img2height.report.templating import environment
from img2height.scoring.tiles import tile_scores
from img2height.settings.project import load_recipe
from img2height.scoring.strata import STRATA
from img2height.vocabulary.scores import compared

entries = [entry("unet", 1.0), entry("im2height", 2.0)]
found = experiment(*entries)
uncertainty = Uncertainty(found.intervals, found.comparisons, 0)
table = score_table(found.metrics, {name: load_recipe(Path(RECIPES), name) for name in ("unet", "im2height")})
columns, page = all_columns(table), environment().from_string(
    "{% import 'page_macros.html' as show %}{{ show.ranked('all', '', columns, rows) }}"
)
shown = page.render(columns=columns, rows=ranked_rows(table, columns, uncertainty))
print(json.dumps({
    "exact": "excess_m" in ErrorStatistics().scores(),
    "scores": found.metrics.seeds("unet")[0].strata["all"]["excess_m"],
    "json": found.metrics.to_json()["methods"]["unet"]["seed0"]["buildings"]["excess_m"],
    "tiles": float(tile_scores(entries[0][1])["excess_m"].mean()),
    "intervals": [row.stratum for row in found.intervals if row.score == "excess_m" and row.estimated],
    "comparisons": [[row.stratum, row.winner] for row in found.comparisons if row.score == "excess_m"],
    "table": float(table.all_excess_m[0]),
    "markdown": "all_excess_m" in to_markdown(table),
    "ground": "excess_m" in strata_table(found.metrics, ["unet"]),
    "classes": "excess_m_interval" in class_table(found.metrics.seeds("unet"), uncertainty, "unet"),
    "pairs": [title for title in comparison_rows(uncertainty, compared()) if "excess" in title],
    "page": shown.count("excess (m)"),
    "glossary": glossary(PARAMS.metrics)["excess"],
}))
"""


def test_a_new_score_is_one_entry(tmp_path: Path) -> None:
    paths = {"TESTS": TESTS, "RECIPES": recipes_folder().resolve()}
    code = "\n".join(f"{name} = {str(path)!r}" for name, path in paths.items()) + CODE
    found = json.loads(run_edited(tmp_path, "vocabulary/scores.py", ANCHOR, LOSS, code))
    assert found["scores"] == pytest.approx(1 / np.sqrt(2 * np.pi), rel=0.2)  # E max(0, e) of a standard normal e
    assert found["json"] > 0 and found["tiles"] > 0 and found["table"] == found["scores"]
    assert found["intervals"] == ["all", "buildings"] * 2
    assert found["comparisons"] == [["all", "unet"], ["buildings", "unet"]]
    assert found["exact"] and found["markdown"] and found["ground"] and found["classes"] and len(found["pairs"]) == 2
    assert found["page"] == 2
    assert found["glossary"] == "mean of the errors that are too high"


def test_scores_in_a_table_have_a_place_and_a_meaning() -> None:
    constants = dict.fromkeys(Metrics.model_fields, 1.0)
    for group, scores in columns().items():
        assert scores and group in GROUPS
        assert len({score.place for score in scores}) == len(scores)
        assert all(score.place and score.meaning.format(**constants) for score in scores)


def test_groups_of_buildings_are_not_named_like_strata_which_have_intervals() -> None:
    assert {"instances", "found", "given"} & STRATA.keys() == set()


def test_names_are_unique_per_kind_and_end_in_their_unit() -> None:
    assert len({(score.kind, score.name) for score in SCORES}) == len(SCORES)
    for score in SCORES:
        assert score.name.endswith({"m": "_m", "m²": "_m2", "m³": "_m3", "°": "_deg", "": ""}[score.unit])
        assert (score.formula is None) == (score.kind == "derived")


def test_methods_are_compared_by_scores_with_a_direction() -> None:
    assert all(score.better in ("lower", "higher") for _, score in compared())


def test_names_are_unique_among_what_is_listed_together() -> None:
    listed = of_kind("errors", "mask", "tiles", "distribution")  # as in the tables of intervals
    assert len(listed) == sum(score.kind in ("errors", "mask", "tiles", "distribution") for score in SCORES)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("rmse_m", 2.345, "2.35"), ("bias_m", -0.125, "−0.12"), ("bias_m", 1, "+1.00"), ("delta1", 0.5, "0.500"),
     ("rmse_m", None, "–"), ("rmse_m", np.nan, "–")],
)  # fmt: skip
def test_scores_are_printed_by_their_unit(name: str, value: float | None, text: str) -> None:
    score = of_kind("errors")[name]
    assert score.text(value) == text
    assert score.text(1.0, signed=True).startswith("+")


def test_badness_orders_values_from_best_to_worst() -> None:
    scores = of_kind("errors", "mask")
    assert scores["rmse_m"].badness(1.0) < scores["rmse_m"].badness(2.0)
    assert scores["iou"].badness(0.9) < scores["iou"].badness(0.1)
    assert scores["bias_m"].badness(-0.1) < scores["bias_m"].badness(0.2)

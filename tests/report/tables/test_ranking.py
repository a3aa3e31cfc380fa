"""The best methods in the score tables."""

import math

import pandas
import pytest
from record_cases import numbers_in

from img2height.comparison.record import Comparison, Interval
from img2height.report.tables.intervals import Uncertainty, interval_text
from img2height.report.tables.ranking import best_methods, cell, comparison_rows, verdicts
from img2height.report.tables.scores import COLUMNS

RMSE = COLUMNS["all_rmse_m"]

TABLE = pandas.DataFrame(
    {
        "method": ["unet", "im2height", "segnet", "mean_height", "cgan"],
        "trivial": [False, False, False, True, False],
        "group": ["heights"] * 4 + ["relative"],
        "all_rmse_m": [1.0, 1.2, 2.0, 0.5, 0.1],
        "all_bias_m": [-0.301, 0.2, 0.9, 0.0, 0.0],
        "buildings_rmse_m": [3.0, 2.0, 2.001, 9.0, 1.0],
        "footprint_iou": [0.5, 0.7, 0.6, 0.9, 0.9],
    }
)


def uncertainty_of(*pairs: list) -> Uncertainty:
    return Uncertainty([], [Comparison(*pair) for pair in pairs], 0)


ALIKE = ["im2height", "unet", "all", "rmse_m", 0.2, -0.1, 0.5, 0.1, 0.2, 30, ""]
WORSE = ["segnet", "unet", "all", "rmse_m", 1.0, 0.5, 1.5, 0.001, 0.003, 30, "second"]
BEATEN = ["mean_height", "unet", "all", "rmse_m", -0.5, -0.6, -0.4, 0.001, 0.003, 30, "first"]
AHEAD = ["im2height", "unet", "all", "rmse_m", 0.2, 0.1, 0.3, 0.001, 0.002, 30, "second"]


@pytest.mark.parametrize(
    ("stratum", "score", "best"),
    [
        ("all", "rmse_m", ["unet"]),
        ("all", "bias_m", ["im2height"]),
        ("buildings", "rmse_m", ["im2height", "segnet"]),  # the same as it is printed
        ("footprint", "iou", ["im2height"]),
    ],
)
def test_the_best_trained_methods_without_tests(stratum: str, score: str, best: list[str]):
    assert best_methods(TABLE, stratum, COLUMNS[f"{stratum}_{score}"], uncertainty_of()) == best


def test_methods_not_significantly_different_from_the_best_are_marked_too():
    assert best_methods(TABLE, "all", RMSE, uncertainty_of(ALIKE, WORSE)) == ["unet", "im2height"]


def test_verdicts():
    found = verdicts(TABLE, uncertainty_of(ALIKE, WORSE, BEATEN))
    assert {name: (verdict.kind, numbers_in(verdict.text)) for name, verdict in found.items()} == {
        "unet": ("best", []),
        "im2height": ("ties", [0.2]),
        "segnet": ("worse", [0.003]),
        "mean_height": ("better", [0.003]),
        "cgan": ("unranked", []),
    }
    assert len({verdict.text for verdict in found.values()}) == 5


def test_the_best_is_ahead_where_all_others_are_significantly_worse():
    assert verdicts(TABLE, uncertainty_of(AHEAD, WORSE))["unet"].kind == "ahead"
    assert verdicts(TABLE, uncertainty_of(AHEAD))["unet"].kind == "best"
    assert {verdict.kind for verdict in verdicts(TABLE[TABLE.trivial], uncertainty_of()).values()} == {"unranked"}


def test_a_cell_states_too_few_blocks_unless_no_score_has_an_interval():
    interval = Interval("unet", 0, "all", "rmse_m", 1.0, math.nan, math.nan, 5, 64.0)
    few = Uncertainty([interval], [], 0)
    assert cell(1.0, RMSE, interval, False, few_blocks=True).interval == interval_text(interval, RMSE) != ""
    assert cell(1.0, RMSE, interval, False, few_blocks=few.any_estimated).interval == ""


def test_comparisons_are_listed_as_text():
    rows = comparison_rows(uncertainty_of(WORSE, ALIKE), [("all", RMSE), ("footprint", COLUMNS["footprint_iou"])])
    (title,) = rows
    assert "RMSE (m)" in title
    (first, second) = rows[title]
    assert (first.pair, first.text) == ("segnet − unet", "+1.000")
    assert numbers_in(second.interval) == [-0.1, 0.5]
    assert first.better == "unet" and second.better not in ("unet", "im2height")

"""What is marked as best in the score tables."""

import pandas
import pytest

from img2height.comparison.collect import INTERVAL_COLUMNS
from img2height.comparison.pairwise import COMPARISON_COLUMNS
from img2height.report.tables.intervals import Uncertainty
from img2height.report.tables.ranking import best_methods, cell, comparison_rows, verdicts

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
NO_INTERVALS = pandas.DataFrame(columns=INTERVAL_COLUMNS)


def known(*pairs: list) -> Uncertainty:
    return Uncertainty(NO_INTERVALS, pandas.DataFrame(list(pairs), columns=COMPARISON_COLUMNS), 0)


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
    assert best_methods(TABLE, stratum, score, known()) == best


def test_what_cannot_be_told_from_the_best_is_marked_with_it():
    assert best_methods(TABLE, "all", "rmse_m", known(ALIKE, WORSE)) == ["unet", "im2height"]


def test_verdicts():
    assert verdicts(TABLE, known(ALIKE, WORSE, BEATEN)) == {
        "unet": "best",
        "im2height": "as good (p = 0.200)",
        "segnet": "worse (p = 0.003)",
        "mean_height": "better (p = 0.003)",
        "cgan": "not ranked with it",
    }


def test_the_best_is_ahead_where_all_others_are_really_worse():
    assert verdicts(TABLE, known(AHEAD, WORSE))["unet"] == "best, ahead of all trained"
    assert verdicts(TABLE, known(AHEAD))["unet"] == "best"
    assert set(verdicts(TABLE[TABLE.trivial], known()).values()) == {"–"}


def test_a_cell_says_that_there_were_too_few_blocks_unless_the_table_does():
    rows = [["unet", 0, "all", "rmse_m", 1.0, None, None, 5, 64.0]]
    few = Uncertainty(pandas.DataFrame(rows, columns=INTERVAL_COLUMNS), known().comparisons, 0)
    interval = few.interval("unet", "all", "rmse_m")
    assert cell(1.0, "rmse_m", interval, False, few_blocks=True).interval == "too few blocks (5) for an interval"
    assert cell(1.0, "rmse_m", interval, False, few_blocks=few.any_known).interval == ""


def test_comparisons_are_listed_as_text():
    rows = comparison_rows(known(WORSE, ALIKE), [("all", "rmse_m"), ("footprint", "iou")])
    (first, second) = rows["All pixels: RMSE (m)"]
    assert (first["pair"], first["text"], first["better"]) == ("segnet − unet", "+1.000", "unet")
    assert (second["interval"], second["better"]) == ("−0.100 to +0.500", "neither")
    assert list(rows) == ["All pixels: RMSE (m)"]

"""Intervals and comparisons as read by the report."""

from pathlib import Path

import pytest

from img2height.comparison.record import Comparison, Coverage, Interval, write_rows
from img2height.report.tables.intervals import Uncertainty, interval_text, p_text, read_uncertainty
from img2height.vocabulary.scores import of_kind

NAN = float("nan")
ROWS = [
    Interval("unet", 0, "all", "rmse_m", 2.0, 1.5, 2.5, 30, 128.0),
    Interval("unet", 1, "all", "rmse_m", 3.0, 2.5, 3.5, 30, 128.0),
    Interval("unet", 0, "all", "iou", 0.5, NAN, NAN, 7, 128.0),
]
PAIRS = [
    Comparison("im2height", "unet", "all", "rmse_m", 1.0, 0.5, 1.5, 0.01, 0.02, 30, "second"),
    Comparison("im2height", "unet", "all", "iou", 0.1, NAN, NAN, NAN, NAN, 7, ""),
]


@pytest.fixture
def uncertainty(tmp_path: Path) -> Uncertainty:
    write_rows(ROWS, Interval, tmp_path / "intervals.csv")
    write_rows(PAIRS, Comparison, tmp_path / "comparisons.csv")
    write_rows([], Coverage, tmp_path / "coverage.csv")
    return read_uncertainty(tmp_path / "intervals.csv", tmp_path / "comparisons.csv", tmp_path / "coverage.csv", seed=0)


def test_an_interval_is_that_of_the_seed(uncertainty: Uncertainty):
    interval = uncertainty.interval("unet", "all", "rmse_m")
    assert (interval.low, interval.high) == (1.5, 2.5)
    text = interval_text(interval, of_kind("errors")["rmse_m"])
    assert text.startswith("1.50") and text.endswith("2.50")
    assert uncertainty.interval("unet", "buildings", "rmse_m") is None
    assert uncertainty.block_m == 128.0 and uncertainty.any_estimated and uncertainty.blocks == 30


def test_intervals_of_mask_scores_are_listed_under_all_pixels(uncertainty: Uncertainty):
    interval = uncertainty.interval("unet", "footprint", "iou")
    assert not interval.estimated
    assert "(7)" in interval_text(interval, of_kind("mask")["iou"])


def test_a_comparison_can_be_turned_round(uncertainty: Uncertainty):
    one = uncertainty.difference("im2height", "unet", "all", "rmse_m")
    other = uncertainty.difference("unet", "im2height", "all", "rmse_m")
    assert (one.difference, one.low, one.high) == (1.0, 0.5, 1.5)
    assert (other.difference, other.low, other.high) == (-1.0, -1.5, -0.5)
    assert one.winner == other.winner == "unet" and p_text(one) == p_text(other) == "p = 0.020"


def test_a_comparison_that_could_not_be_tested_has_no_winner(uncertainty: Uncertainty):
    found = uncertainty.difference("unet", "im2height", "footprint", "iou")
    assert not found.tested and found.winner == "" and found.blocks == 7

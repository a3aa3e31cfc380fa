"""Intervals and comparisons as the report reads them."""

from pathlib import Path

import pandas
import pytest

from img2height.comparison.collect import INTERVAL_COLUMNS
from img2height.comparison.pairwise import COMPARISON_COLUMNS
from img2height.errors import DataError
from img2height.report.tables.intervals import Uncertainty, read_uncertainty

ROWS = [
    ["unet", 0, "all", "rmse_m", 2.0, 1.5, 2.5, 30, 128.0],
    ["unet", 1, "all", "rmse_m", 3.0, 2.5, 3.5, 30, 128.0],
    ["unet", 0, "all", "iou", 0.5, None, None, 7, 128.0],
]
PAIRS = [
    ["im2height", "unet", "all", "rmse_m", 1.0, 0.5, 1.5, 0.01, 0.02, 30, "second"],
    ["im2height", "unet", "all", "iou", None, None, None, None, None, 7, None],
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    pandas.DataFrame(ROWS, columns=INTERVAL_COLUMNS).to_csv(tmp_path / "intervals.csv", index=False)
    pandas.DataFrame(PAIRS, columns=COMPARISON_COLUMNS).to_csv(tmp_path / "comparisons.csv", index=False)
    return tmp_path / "intervals.csv", tmp_path / "comparisons.csv"


@pytest.fixture
def uncertainty(files: tuple[Path, Path]) -> Uncertainty:
    return read_uncertainty(*files, seed=0)


def test_an_interval_is_that_of_the_seed(uncertainty: Uncertainty):
    assert uncertainty.interval("unet", "all", "rmse_m").text("rmse_m") == "1.50 to 2.50"
    assert uncertainty.interval("unet", "buildings", "rmse_m") is None
    assert uncertainty.block_m == 128.0 and uncertainty.any_known and uncertainty.blocks == 30


def test_scores_of_the_mask_have_theirs_over_all_pixels(uncertainty: Uncertainty):
    interval = uncertainty.interval("unet", "footprint", "iou")
    assert not interval.known
    assert interval.text("iou") == "too few blocks (7) for an interval"


def test_a_difference_can_be_seen_from_both_sides(uncertainty: Uncertainty):
    one = uncertainty.difference("im2height", "unet", "all", "rmse_m")
    other = uncertainty.difference("unet", "im2height", "all", "rmse_m")
    assert (one.difference, one.low, one.high) == (1.0, 0.5, 1.5)
    assert (other.difference, other.low, other.high) == (-1.0, -1.5, -0.5)
    assert one.better == other.better == "unet" and one.p_text == "p = 0.020"


def test_what_could_not_be_tested_is_known_to_be_unknown(uncertainty: Uncertainty):
    found = uncertainty.difference("unet", "im2height", "footprint", "iou")
    assert not found.known and found.better == "" and found.blocks == 7


def test_a_winner_above_the_level_is_none(files: tuple[Path, Path]):
    table = pandas.read_csv(files[1]).assign(p_holm=0.06)
    table.to_csv(files[1], index=False)
    assert read_uncertainty(*files, seed=0).difference("im2height", "unet", "all", "rmse_m").better == ""


def test_broken_tables_are_refused(files: tuple[Path, Path], tmp_path: Path):
    with pytest.raises(DataError, match="does not exist"):
        read_uncertainty(tmp_path / "no.csv", files[1], seed=0)
    with pytest.raises(DataError, match="has no column 'block"):
        read_uncertainty(files[1], files[1], seed=0)

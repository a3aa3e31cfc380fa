"""Errors of buildings by class."""

import math

from record_cases import method_scores

from img2height.comparison.record import Interval
from img2height.report.tables.buildings import building_classes
from img2height.report.tables.intervals import Uncertainty

INTERVALS = [
    Interval("unet", 0, "given.height_3_10", "mae_m", 4.0, 3.25, 4.5, 20, 128.0),
    Interval("unet", 0, "given.height_3_10", "bias_m", -1.0, math.nan, math.nan, 7, 128.0),
    Interval("unet", 0, "found", "rmse_m", 2.0, 1.5, 2.5, 30, 128.0),
]


def errors(mae_m: float, buildings: int = 3) -> dict:
    return {"bias_m": -1.0, "mae_m": mae_m, "rmse_m": 2.0, "volume_error": 0.25, "buildings": buildings, "volumes": 3}


def test_classes_have_the_mean_over_the_seeds_and_the_numbers_of_the_first():
    seeds = [
        method_scores("unet", 0, building_errors={"found": {"all": errors(1.0)}, "given": {"all": errors(2.0, 5)}}),
        method_scores("unet", 1, building_errors={"found": {"all": errors(3.0)}, "given": {"all": errors(2.0, 5)}}),
    ]
    seeds[0].building_errors["given"]["height_3_10"] = errors(4.0, 2)
    table = building_classes(seeds, Uncertainty(INTERVALS, [], 0), "unet")
    assert [row.title for row in table.rows] == ["all", "reference 3 to 10 m"]
    assert [dict(row.intervals) for row in table.rows] == [
        {"found_rmse_m": "1.50 to 2.50"}, {"given_mae_m": "3.25 to 4.50"},
    ]  # fmt: skip
    everything, low = (row.scores for row in table.rows)
    assert (everything["found_mae_m"], everything["given_mae_m"]) == (2.0, 2.0)
    assert (everything["found buildings"], everything["given buildings"]) == (3, 5)
    assert (low["given_mae_m"], low["found buildings"]) == (4.0, 0) and math.isnan(low["found_mae_m"])


def test_a_method_without_heights_has_no_table():
    assert building_classes([method_scores("unet")], Uncertainty([], [], 0), "unet") is None

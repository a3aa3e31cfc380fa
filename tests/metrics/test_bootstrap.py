"""Intervals of a difference: known answers, coverage, and what cannot be compared."""

import numpy as np
import pandas
import pytest

from img2height.errors import DataError
from img2height.metrics.bootstrap import compare


def tiles(rmse_m: np.ndarray, pixels: int = 100) -> pandas.DataFrame:
    number = np.arange(len(rmse_m))
    return pandas.DataFrame(
        {"dataset": "d", "scene": "s", "col_off": number * 64, "row_off": 0, "pixels": pixels, "rmse_m": rmse_m}
    )


def test_the_difference_is_that_of_the_pooled_rmse():
    one, two = tiles(np.tile([3.0, 4.0], 20)), tiles(np.tile([1.0, 7.0], 20))
    found = compare(one, two)
    assert found.rmse_m == pytest.approx(np.sqrt(12.5) - 5)
    assert found.low_m < found.rmse_m < found.high_m
    assert found == compare(one, two)
    assert found.tiles == 40


def test_a_constant_factor_leaves_an_interval_of_its_own_sign():
    rng = np.random.default_rng(0)
    errors = rng.uniform(1, 3, 64)
    worse = compare(tiles(1.1 * errors), tiles(errors))
    assert 0 < worse.low_m < worse.high_m
    better = compare(tiles(errors), tiles(1.1 * errors))
    assert (better.low_m, better.high_m) == pytest.approx((-worse.high_m, -worse.low_m))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Two methods that err alike: 95 % of the intervals hold 0 (64 tiles, 150 experiments)."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(150):
        one, two = (tiles(np.sqrt(rng.chisquare(5, 64))) for _ in range(2))
        found = compare(one, two, resamples=300)
        held += found.low_m <= 0 <= found.high_m
    assert 0.90 <= held / 150 <= 0.98


def test_larger_tiles_count_more():
    one = tiles(np.full(40, 2.0))
    one["pixels"] = np.arange(1, 41)
    two = one.assign(rmse_m=np.where(one["pixels"] > 20, 2.0, 1.0))
    expected = 2 - np.sqrt((210 * 1 + 610 * 4) / 820)
    assert compare(one, two).rmse_m == pytest.approx(expected)


def test_other_ground_and_too_few_tiles_are_refused():
    one = tiles(np.ones(30))
    with pytest.raises(DataError, match="30 and 29 tiles were scored and 29 are the same"):
        compare(one, one.head(29))
    with pytest.raises(DataError, match="19 tiles are too few"):
        compare(one.head(19), one.head(19))

"""Intervals from resampled blocks: known results, coverage of the true value, and independence of the order."""

from functools import cache

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_errors import Setting, coverage

from img2height.comparison.blocks import Blocks
from img2height.comparison.bootstrap import Resampled, draw_blocks, holm, resample

NONE = np.empty((0, 2), int)


def scores(sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"rmse_m": np.sqrt(sums["square_sum_m2"] / sums["pixels"]), "mae_m": sums["absolute_sum_m"] / sums["pixels"]}


def sums_of(rmse_m: np.ndarray, pixels: float = 100.0) -> dict[str, np.ndarray]:
    count = np.full(rmse_m.size, pixels)
    return {"square_sum_m2": count * rmse_m**2, "absolute_sum_m": count * rmse_m, "pixels": count}


def resampled(rmse_m: np.ndarray) -> dict[str, Resampled]:
    return resample(sums_of(rmse_m), thousand_draws(rmse_m.size), scores)


@cache
def thousand_draws(blocks: int) -> np.ndarray:
    return draw_blocks(blocks, resamples=1000)


@pytest.mark.parametrize(("correlation", "seed"), [("gaussian", 1), ("exponential", 2)])
def test_block_intervals_cover_the_true_value_and_pixel_intervals_do_not(correlation: str, seed: int):
    """1,000 fields of correlated errors on 100 blocks of four times the correlation length."""
    found = coverage(Setting(10, 20, 5, correlation, "normal"), count=1000, resamples=1000, seed=seed)
    for score in ("rmse_m", "mae_m"):
        blocks, pixels = found[score]
        assert 0.92 <= blocks <= 0.97
        assert pixels < 0.5


def test_a_score_that_cannot_be_negative_is_not_moved_below_zero():
    found = Resampled(0.02, np.array([0.0, 0.02, 0.04]), np.array([0.01, 0.03]), 2)
    np.testing.assert_allclose(found.moved(0.015).draws, [0, 0.015, 0.035])
    difference = Resampled(0.02, np.array([-0.01, 0.02, 0.04]), np.array([0.01, 0.03]), 2)
    np.testing.assert_allclose(difference.moved(0.015).draws, [-0.015, 0.015, 0.035])


def test_the_score_of_all_blocks_is_pooled_by_pixels():
    sums = sums_of(np.tile([3.0, 4.0], 20))
    sums = {name: values * np.tile([1, 3], 20) for name, values in sums.items()}
    found = resample(sums, draw_blocks(40, resamples=10), scores)
    assert found["rmse_m"].value == pytest.approx(np.sqrt((9 + 3 * 16) / 4))
    assert found["mae_m"].value == pytest.approx((3 + 3 * 4) / 4)
    assert found["mae_m"].blocks == 40


def test_independent_blocks_give_student_s_interval():
    errors = np.random.default_rng(0).uniform(1, 3, 400)
    found = resample(sums_of(errors), draw_blocks(400), scores)["mae_m"]
    reach = 1.966 * errors.std() / 20
    assert found.interval(NONE) == pytest.approx((errors.mean() - reach, errors.mean() + reach), rel=3e-3)


def test_correlated_neighbours_widen_the_interval():
    errors = np.repeat([1.0, 3.0], 20)
    found = resampled(errors)["mae_m"]
    beside = np.stack([np.arange(39), np.arange(1, 40)], axis=1)
    assert found.widening(NONE) == 1
    alike = (38 - 1) / 40  # 38 pairs have errors of one sign, one of opposite signs
    assert found.widening(beside) == pytest.approx(1 + alike + 39 * (1 + alike) ** 2 / 40**2)
    assert found.widening(np.array([[0, 20], [1, 21]])) == 1  # anticorrelated neighbours do not narrow it
    narrow, wide = found.interval(NONE), found.interval(beside)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_too_few_blocks_have_no_interval():
    found = resampled(np.arange(1.0, 20.0))["rmse_m"]
    assert (found.blocks, found.interval(NONE), found.p_value(NONE)) == (19, None, None)
    empty = {name: np.append(values, [0.0] * 30) for name, values in sums_of(np.arange(1.0, 20.0)).items()}
    found = resample(empty, draw_blocks(49, resamples=100), scores)["rmse_m"]
    assert (found.blocks, found.interval(NONE)) == (19, None)


def test_a_method_does_not_differ_from_itself():
    one = resampled(np.random.default_rng(0).uniform(1, 3, 64))["rmse_m"]
    nothing = one - one
    assert (nothing.value, nothing.interval(NONE), nothing.p_value(NONE)) == (0, (0, 0), 1)


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.7, 1.4))
def test_swapped_methods_have_the_negative_difference(seed: int, factor: float):
    errors = np.random.default_rng(seed).uniform(1, 3, (2, 40))
    one, two = resampled(errors[0])["rmse_m"], resampled(factor * errors[1])["rmse_m"]
    low, high = (one - two).interval(NONE)
    assert (two - one).interval(NONE) == pytest.approx((-high, -low), rel=1e-9, abs=1e-12)
    assert (two - one).p_value(NONE) == pytest.approx((one - two).p_value(NONE))
    assert low <= high


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.8, 1.25))
def test_p_and_interval_agree(seed: int, factor: float):
    errors = np.random.default_rng(seed).uniform(1, 3, (2, 40))
    difference = resampled(errors[0])["rmse_m"] - resampled(factor * errors[1])["rmse_m"]
    low, high = difference.interval(NONE)
    p = difference.p_value(NONE)
    if abs(p - 0.05) > 0.005:  # near 0.05 the ends fall between two draws
        assert (p < 0.05) == (low > 0 or high < 0)


def test_equal_methods_differ_significantly_as_often_as_p():
    rng, found = np.random.default_rng(3), []
    for _ in range(300):
        one, two = (resampled(np.sqrt(rng.chisquare(5, 64)))["rmse_m"] for _ in range(2))
        found.append((one - two).p_value(NONE) < 0.05)
    assert 0.02 <= np.mean(found) <= 0.08


def test_p_continues_to_fall_if_no_draw_crosses_zero():
    one, two = np.random.default_rng(0).uniform(1, 3, (2, 64))
    p = [(resampled(one + shift)["rmse_m"] - resampled(two)["rmse_m"]).p_value(NONE) for shift in (1, 2)]
    assert 0 < p[1] < p[0] < 1e-6


def test_p_of_very_skewed_draws_agrees_with_the_interval():
    draws = np.concatenate([np.full(950, 1.0), np.linspace(1, 200, 50)])
    found = Resampled(1.0, draws, np.linspace(0, 2, 40), 40)
    assert found.interval(NONE)[0] > 0
    assert found.value < 0.1 * draws.std()  # a normal distribution would not exclude 0
    assert found.p_value(NONE) < 0.05


def test_draws_are_reproducible_and_have_the_number_of_blocks():
    drawn = draw_blocks(50, resamples=200, seed=3)
    assert np.array_equal(drawn, draw_blocks(50, resamples=200, seed=3))
    assert not np.array_equal(drawn, draw_blocks(50, resamples=200, seed=4))
    assert set(drawn.sum(axis=1)) == {50}


def test_draws_in_several_chunks_are_the_same(monkeypatch):
    errors = np.random.default_rng(0).uniform(1, 3, 64)
    whole = resampled(errors)["rmse_m"]
    monkeypatch.setattr("img2height.comparison.bootstrap.CHUNK_BYTES", 8 * 64 * 7)
    np.testing.assert_allclose(resampled(errors)["rmse_m"].draws, whole.draws, rtol=1e-12)


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 become .04 .06 .06 .06: statsmodels' multipletests(method="holm") gives the same.
    np.testing.assert_allclose(holm(np.array([0.02, 0.01, 0.04, 0.03])), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm(np.array([0.5, 0.4, 0.001])), [0.8, 0.8, 0.003])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])
    assert holm(np.array([])).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_only_raises(p: list[float]):
    found = holm(np.array(p))
    assert np.all((found >= p) & (found <= 1))
    assert np.all(np.diff(found[np.argsort(p, kind="stable")]) >= 0)


def tiles(offsets: list[tuple[str, int, int]]) -> pandas.DataFrame:
    scene, row, col = zip(*offsets, strict=True)
    return pandas.DataFrame(
        {"dataset": "d", "scene": scene, "row_off": row, "col_off": col, "pixels": np.arange(1, len(row) + 1)}
    )


def added_up(table: pandas.DataFrame, side_px: int) -> list[float]:
    return Blocks.of(table, side_px).add_up(table, {"pixels": table.pixels.to_numpy()})["pixels"].tolist()


def test_blocks_are_whole_tiles_of_one_scene():
    table = tiles([("a", 0, 0), ("a", 64, 64), ("a", 0, 128), ("b", 0, 0), ("b", 128, 192)])
    blocks = Blocks.of(table, 128)
    assert [key[1:] for key in blocks.keys] == [("a", 0, 0), ("a", 0, 1), ("b", 0, 0), ("b", 1, 1)]
    assert blocks.neighbours.tolist() == [[0, 1]]
    assert added_up(table, 128) == [3, 3, 4, 5]
    bins = np.array([[1, 2, k] for k in range(5)])
    assert blocks.add_up(table, {"bins": bins})["bins"].tolist() == [[2, 4, 1], [1, 2, 2], [1, 2, 3], [1, 2, 4]]


def test_blocks_without_a_tile_of_the_stratum_are_empty():
    table = tiles([("a", 0, 0), ("a", 64, 0), ("a", 128, 0)])
    found = Blocks.of(table, 64).add_up(table.tail(1), {"pixels": np.array([3])})
    assert found["pixels"].tolist() == [0, 0, 3]


def test_neighbours_share_a_side():
    square = [("a", row, col) for row in (0, 64, 128) for col in (0, 64)]
    assert sorted(Blocks.of(tiles(square), 64).neighbours.tolist()) == [
        [0, 1], [0, 2], [1, 3], [2, 3], [2, 4], [3, 5], [4, 5],
    ]  # fmt: skip


@settings(max_examples=10)
@given(st.permutations(range(6)))
def test_the_order_of_the_tiles_changes_nothing(order: list[int]):
    table = tiles([("a", row, col) for row in (0, 64, 128) for col in (0, 64)])
    table["pixels"] = [0.1, 0.2, 0.3, 1e9, 0.7, 1 / 3]
    assert added_up(table.iloc[order], 128) == added_up(table, 128)

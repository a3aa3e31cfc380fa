"""The correlation length of errors: synthetic fields, gaps, and sums in any order."""

from functools import cache, reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_errors import fields

from img2height.metrics.correlation import CorrelationStatistics


@cache
def tiles(length_px: float, correlation: str = "gaussian", count: int = 24) -> list[CorrelationStatistics]:
    return [CorrelationStatistics.from_errors(field) for field in fields(count, 96, length_px, correlation, 0)]


@pytest.mark.parametrize("correlation", ["gaussian", "exponential"])
@pytest.mark.parametrize("length_px", [2, 5, 10])
def test_the_length_of_a_known_field(correlation: str, length_px: float):
    assert reduce(add, tiles(length_px, correlation)).length_px() == pytest.approx(length_px, rel=0.15)


def test_independent_errors_correlate_within_a_pixel_only():
    errors = np.random.default_rng(0).normal(size=(64, 64))
    assert CorrelationStatistics.from_errors(errors).length_px() == pytest.approx(1 - 1 / np.e, abs=0.05)


def test_missing_errors_do_not_count():
    rng, whole = np.random.default_rng(0), CorrelationStatistics()
    for field in fields(24, 96, 5, "gaussian", 0):
        field = np.where(rng.random(field.shape) < 0.3, np.nan, field)
        whole += CorrelationStatistics.from_errors(field)
    assert whole.length_px() == pytest.approx(5, rel=0.15)
    assert whole.pixels == pytest.approx(0.7 * 24 * 96**2, rel=0.02)


def test_different_mean_errors_of_tiles_have_no_length_within_tiles():
    noise = np.random.default_rng(0).normal(0, 0.1, (20, 32, 32))
    shifted = [CorrelationStatistics.from_errors(field + 3 * k) for k, field in enumerate(noise)]
    assert reduce(add, shifted).length_px() is None


def test_nothing_and_constant_errors_correlate_over_nothing():
    assert CorrelationStatistics().length_px() == 0
    assert CorrelationStatistics.from_errors(np.full((8, 8), np.nan)).length_px() == 0
    assert CorrelationStatistics.from_errors(np.full((8, 8), 1 / 3)).length_px() == 0


def test_a_row_by_hand():
    """Errors 0 0 2 2: variance 1, half the mean squared difference at lag 1 is 2 / 3, and the length 0.95 px."""
    errors = np.array([[0.0, 0.0, 2.0, 2.0]])
    found = CorrelationStatistics.from_errors(errors)
    assert (found.pixels, found.pairs[:3]) == (4, (3, 2, 1))
    assert found.length_px() == pytest.approx((1 - 1 / np.e) / (2 / 3))


@settings(max_examples=20)
@given(st.permutations(range(5)), st.integers(1, 4))
def test_the_order_of_the_sum_changes_no_digit(order: list[int], cut: int):
    parts = tiles(3, count=5)
    mixed = [parts[k] for k in order]
    assert reduce(add, mixed[:cut]) + reduce(add, mixed[cut:]) == reduce(add, parts)

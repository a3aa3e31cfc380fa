import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from img2height.metrics.kernels.errors import AT_ONCE, add, add_squares
from img2height.metrics.sums import DIGITS, as_float, combine

WHOLE = st.one_of(st.integers(-(2**61), 2**61), st.integers(-(2**22), 2**22), st.sampled_from([0, -1, 2**21, -(2**42)]))


def digits_of(values: list[int] | np.ndarray, squares: bool = False) -> np.ndarray:
    """Return the sums of the digits of numbers or of their squares, which begin at the second place."""
    whole, total = np.array(values, np.int64), np.zeros(DIGITS + 2, np.int64)
    if squares:
        add_squares(np.abs(whole), len(whole), total, 1)
    else:
        add(whole, len(whole), total, 1)
    assert total[0] == total[-1] == 0
    return total[1:-1]


@given(st.lists(WHOLE, max_size=8))
def test_sums_are_those_of_python_integers(values):
    assert combine(digits_of(values)) == sum(values)
    assert combine(digits_of(values, squares=True)) == sum(v * v for v in values)


@given(st.lists(WHOLE, max_size=8))
def test_floats_are_the_nearest_except_for_the_last_bits(values):
    both = np.stack([digits_of(values), digits_of(values, squares=True)])
    for fraction_bits in (30, 60):
        expected = [sum(values) / 2**fraction_bits, sum(v * v for v in values) / 2**fraction_bits]
        assert as_float(both, fraction_bits).tolist() == pytest.approx(expected, rel=1e-15, abs=0)


def test_the_maximum_number_of_the_largest_values_does_not_overflow():
    for value in (2**61 - 1, 2**42 - 1, 2**21 - 1, -(2**61 - 1)):
        whole = np.full(AT_ONCE, value, np.int64)
        assert combine(digits_of(whole)) == value * AT_ONCE
        assert combine(digits_of(whole, squares=True)) == value**2 * AT_ONCE

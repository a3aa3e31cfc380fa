import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from img2height.metrics.sums import MOST_PIXELS, combine, group_square_sums, group_sums

WHOLE = st.one_of(st.integers(-(2**61), 2**61), st.integers(-(2**22), 2**22), st.sampled_from([0, -1, 2**21, -(2**42)]))


@given(st.lists(st.lists(WHOLE, min_size=1, max_size=8), min_size=1, max_size=5))
def test_sums_of_groups_are_those_of_python_integers(groups):
    starts = np.cumsum([0, *map(len, groups)])[:-1]
    whole = np.array([value for group in groups for value in group], np.int64)
    assert combine(group_sums(whole, starts)).tolist() == [sum(group) for group in groups]
    assert combine(group_square_sums(whole, starts)).tolist() == [sum(v * v for v in group) for group in groups]


def test_the_largest_block_of_the_largest_numbers_does_not_overflow():
    for value in (2**61 - 1, 2**42 - 1, 2**21 - 1, -(2**61 - 1)):
        whole = np.full(MOST_PIXELS, value, np.int64)
        first = np.zeros(1, np.int64)
        assert combine(group_sums(whole, first))[0] == value * MOST_PIXELS
        assert combine(group_square_sums(whole, first))[0] == value**2 * MOST_PIXELS


def test_no_group_at_all_has_no_sums():
    nothing = np.zeros(0, np.int64)
    assert combine(group_sums(nothing, nothing)).size == combine(group_square_sums(nothing, nothing)).size == 0

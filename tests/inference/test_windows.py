import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from img2height.inference.windows import WindowGrid, blending_weights, window_origins

multiples = st.sampled_from([1, 2, 16, 32])


@st.composite
def grids(draw: st.DrawFn) -> tuple[tuple[int, int], int, WindowGrid]:
    multiple = draw(multiples)
    shape = draw(st.integers(1, 700)), draw(st.integers(1, 700))
    window_px = multiple * draw(st.integers(1, max(1, 256 // multiple)))
    overlap = draw(st.floats(0, 0.5))
    if window_px < 16:  # fewer windows than millions
        shape = min(shape[0], 100), min(shape[1], 100)
    return shape, multiple, WindowGrid.over(shape, window_px, overlap, multiple)


def coverage(origins: np.ndarray, window_px: int) -> np.ndarray:
    total = np.zeros(origins[-1] + window_px)
    for origin, weights in zip(origins, blending_weights(origins, window_px), strict=True):
        total[origin : origin + window_px] += weights
    return total


@settings(max_examples=150, deadline=None)
@given(grids())
def test_weights_are_shares_that_sum_to_exactly_one(case: tuple) -> None:
    shape, _, grid = case
    for size, origins in zip(shape, (grid.rows, grid.columns), strict=True):
        weights = blending_weights(origins, grid.window_px)
        assert (weights >= 0).all()
        total = coverage(origins, grid.window_px)
        assert len(total) >= size
        assert (total == 1).all()


@settings(max_examples=150, deadline=None)
@given(grids())
def test_windows_start_at_multiples_and_end_within_one_multiple_of_the_raster(case: tuple) -> None:
    shape, multiple, grid = case
    for size, origins in zip(shape, (grid.rows, grid.columns), strict=True):
        assert (origins % multiple == 0).all()
        assert (np.diff(origins) > 0).all()
        assert origins[0] == 0
        end = origins[-1] + grid.window_px
        assert size <= end < max(size + multiple, grid.window_px + 1)


@pytest.mark.parametrize("shape", [(129, 300), (130, 1000)])
def test_weights_of_two_axes_sum_to_one_for_awkward_sizes(shape: tuple[int, int]) -> None:
    grid = WindowGrid.over(shape, 128, 0.5, 1)
    down, across = (coverage(origins, 128) for origins in (grid.rows, grid.columns))
    assert (np.outer(down, across) == 1).all()


def test_origins_are_those_computed_by_hand() -> None:
    assert window_origins(300, 128, 64, 1).tolist() == [0, 64, 128, 172]
    assert window_origins(300, 128, 64, 16).tolist() == [0, 64, 128, 176]  # ends at 304
    assert window_origins(50, 128, 64, 16).tolist() == [0]
    assert window_origins(256, 256, 128, 16).tolist() == [0]


def test_edges_of_windows_have_no_weight() -> None:
    first, second = blending_weights(np.array([0, 64]), 128)
    assert (first[:80] == 1).all()  # overlap from 64 to 128, its quarters end at 80 and 112
    assert (first[112:] == 0).all()
    assert np.allclose(first[80:112], 1 - (np.arange(32) + 0.5) / 32)
    assert (second[:16] == 0).all()
    assert (second[48:] == 1).all()


def test_without_overlap_windows_meet_at_a_step() -> None:
    assert (blending_weights(np.array([0, 8, 16]), 8) == 1).all()


def test_only_windows_with_a_pixel_of_the_area_are_touched() -> None:
    grid = WindowGrid.over((512, 512), 128, 0.0, 16)
    corner = shapely.box(128, 0, 256, 128)  # shares edges with its neighbours, pixels with none
    assert [(row, columns.tolist()) for row, columns in grid.touching(corner)] == [(0, [1])]
    assert [(row, columns.tolist()) for row, columns in grid.touching(shapely.box(120, 380, 130, 390))] == [
        (2, [0, 1]),
        (3, [0, 1]),
    ]
    assert grid.touching(shapely.Polygon()) == []
    assert sum(len(columns) for _, columns in grid.touching(None)) == 16

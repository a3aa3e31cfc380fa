"""Gaps of heights: linear between valid pixels, bounded in width, and the same for any blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay

from img2height.scenes.gaps import _barycentric, interpolate_gaps


def plane(shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.indices(shape)
    return (100 + 0.25 * columns - 0.125 * rows).astype(np.float32)


def test_a_plane_is_continued_under_a_building():
    holed = plane((60, 60))
    holed[20:40, 10:30] = np.nan
    assert np.abs(interpolate_gaps(holed, 40) - plane((60, 60))).max() < 0.002


def test_a_gap_is_measured_by_its_largest_empty_circle():
    holed = plane((40, 60))
    holed[:, 20:31] = np.nan  # 11 pixels are missing: valid columns are 12 pixels apart
    assert np.isnan(interpolate_gaps(holed, 11.9)[:, 20:31]).all()
    assert np.isfinite(interpolate_gaps(holed, 12.1)[2:-2, 20:31]).all()


def test_outside_nothing_is_guessed():
    holed = np.full((30, 30), np.nan, np.float32)
    holed[10:20, 10:20] = 5
    assert (np.isfinite(interpolate_gaps(holed, 100)) == np.isfinite(holed)).all()
    line = np.full((9, 9), np.nan, np.float32)
    line[4] = 3
    assert np.isnan(interpolate_gaps(line, 100)).sum() == 72
    assert np.isnan(interpolate_gaps(np.full((5, 5), np.nan, np.float32), 100)).all()


def test_pixels_far_from_gaps_are_not_needed():
    """The result is that of the triangulation of all valid pixels."""
    rng = np.random.default_rng(0)
    heights = rng.normal(size=(48, 48)).astype(np.float32)
    holed = np.where(np.hypot(*(np.indices(heights.shape) - 24)) < rng.uniform(2, 20), np.nan, heights)
    valid = np.isfinite(holed)
    corners = np.argwhere(valid) + rng.uniform(-1e-6, 1e-6, (valid.sum(), 2))
    whole = LinearNDInterpolator(corners, holed[valid])(np.argwhere(~valid))
    found = interpolate_gaps(holed, 100)[~valid]
    assert np.median(np.abs(found - whole)) < 1e-3  # squares of the lattice are divided along either diagonal


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.9), st.integers(3, 20), st.integers(10, 40))
def test_blocks_do_not_show(seed: int, share: float, widest: int, side: int):
    rng = np.random.default_rng(seed)
    holed = np.where(rng.random((60, 50)) < share, rng.normal(0, 3, (60, 50)), np.nan).astype(np.float32)
    whole, margin = interpolate_gaps(holed, widest), widest + 1
    for top in range(0, 60, side):
        for left in range(0, 50, side):
            first = max(top - margin, 0), max(left - margin, 0)
            window = holed[first[0] : top + side + margin, first[1] : left + side + margin]
            part = interpolate_gaps(window, widest, first)[top - first[0] :, left - first[1] :][:side, :side]
            assert np.array_equal(part, whole[top : top + side, left : left + side], equal_nan=True)


@pytest.mark.parametrize("widest", [0, 5])
def test_valid_heights_are_kept(widest: int):
    holed = np.where(np.random.default_rng(1).random((30, 30)) < 0.5, plane((30, 30)), np.nan)
    assert np.array_equal(interpolate_gaps(holed, widest)[np.isfinite(holed)], holed[np.isfinite(holed)])


def test_the_coordinates_in_triangles_are_those_of_scipy():
    mesh = Delaunay(np.random.default_rng(0).uniform(0, 50, (200, 2)))
    assert np.allclose(_barycentric(mesh), mesh.transform, rtol=1e-9)

"""Holes are filled from their rims, next to walls from the low rim, and in blocks as in one piece."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from img2height.scenes import holes
from img2height.scenes.holes import fill_holes


def _plane(shape=(80, 90)):
    rows, cols = np.indices(shape)
    return (100 + 0.02 * rows - 0.03 * cols).astype(np.float32)


def test_valid_heights_are_kept_and_small_holes_follow_the_terrain():
    truth = _plane()
    holed = truth.copy()
    holed[20:27, 30:41] = np.nan
    holed[60, 5] = np.nan
    filled = fill_holes(holed)
    assert filled.dtype == np.float32
    assert np.array_equal(filled[np.isfinite(holed)], holed[np.isfinite(holed)])
    assert np.abs(filled - truth).max() < 0.15


@pytest.mark.parametrize("mirrored", [np.s_[:, ::-1], np.s_[::-1]])
def test_a_hole_in_a_slope_is_filled_without_a_tilt(mirrored):
    truth = 5 * _plane((61, 61))
    holed = truth.copy()
    holed[20:41, 20:41] = np.nan
    filled = fill_holes(holed, walls=False)
    assert filled[30, 30] == pytest.approx(truth[30, 30], abs=1e-3)
    assert (filled - truth).mean() == pytest.approx(0, abs=1e-4)
    assert np.allclose(fill_holes(holed[mirrored], walls=False), filled[mirrored], atol=1e-3)


@pytest.mark.parametrize("side", range(4))
def test_a_hole_next_to_a_wall_is_filled_at_street_level(side):
    truth = _plane()
    truth[30:50, 30:50] += 15
    holed = truth.copy()
    strips = (np.s_[22:30, 25:55], np.s_[50:58, 25:55], np.s_[25:55, 22:30], np.s_[25:55, 50:58])
    holed[strips[side]] = np.nan
    filled = fill_holes(holed)
    street = np.isnan(holed) & (truth < 102)
    assert np.abs(filled - truth)[street].max() < 0.8  # of 15 m; the lowest rim of a slope is a little low


def test_a_hole_inside_a_roof_is_filled_at_roof_level():
    truth = _plane()
    truth[20:60, 20:60] += 15
    holed = truth.copy()
    holed[35:42, 30:50] = np.nan
    assert np.abs(fill_holes(holed) - truth).max() < 0.3


def test_a_surface_is_extended_only_slightly():
    holed = np.full((3, 3 * holes.SEARCH_PX), np.nan, np.float32)
    holed[:, 0] = 7.0
    filled = fill_holes(holed)
    assert (filled[:, : holes.EDGE_PX + 1] == 7).all()
    assert np.isnan(filled[:, holes.EDGE_PX + 1 :]).all()


def test_pixels_too_far_from_any_height_stay_missing():
    holed = np.full((3, 4 * holes.SEARCH_PX), np.nan, np.float32)
    holed[:, [0, -1]] = 7.0
    filled = fill_holes(holed)
    assert np.isnan(filled[:, holes.SEARCH_PX + 1 : -holes.SEARCH_PX - 1]).all()
    holed[:, -holes.SEARCH_PX :] = 7.0
    filled = fill_holes(holed)
    assert (filled[:, holes.SEARCH_PX : holes.SEARCH_PX + 1] == 7).all()


def test_without_holes_or_without_heights_nothing_changes():
    for heights in (_plane(), np.full((5, 6), np.nan, np.float32)):
        filled = fill_holes(heights)
        assert np.array_equal(filled, heights, equal_nan=True) and filled is not heights


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9999), share=st.floats(0.05, 0.9), size=st.integers(1, 9))
def test_a_block_with_its_margin_is_filled_as_in_one_piece(seed, share, size):
    margin = holes.REACH_PX - 2 * (holes.SEARCH_PX - 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holes, "SEARCH_PX", 12)
        rng = np.random.default_rng(seed)
        heights = rng.uniform(0, 30, (120, 130)).astype(np.float32)
        gaps = rng.random((120 // size + 1, 130 // size + 1)) < share
        heights[np.kron(gaps, np.ones((size, size), bool))[:120, :130]] = np.nan
        whole = fill_holes(heights)
        part = fill_holes(heights[50 - margin : 70 + margin, 55 - margin : 80 + margin])
    block = part[margin : margin + 20, margin : margin + 25]
    assert np.array_equal(block, whole[50:70, 55:80], equal_nan=True)

"""Margins cover as much of a new area as they say, on simulated errors that correlate; none without evidence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_errors import SHAPES, fields

from img2height.conformal.margins import LEAST_BLOCKS, STEP_M, Errors, margins

SIDE_PX, BLOCK_PX = 240, 24


def errors_of(field: np.ndarray, block_px: int = BLOCK_PX) -> Errors:
    """Return errors in blocks: every second pixel of every second row."""
    rows, columns = np.mgrid[: field.shape[0] : 2, : field.shape[1] : 2]
    block = rows // block_px * 10_000 + columns // block_px
    return Errors(np.zeros(rows.size, np.float32), field[::2, ::2].ravel().astype(np.float32), block.ravel())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("correlation", "length_px"), [("gaussian", 12.0), ("exponential", 8.0), ("exponential", 1.0)])
def test_a_share_of_ninety_percent_of_new_ground_is_covered(shape: str, correlation: str, length_px: float) -> None:
    """Blocks are at least twice as wide as errors correlate; calibration and test are independent fields."""
    made = fields(24, SIDE_PX, length_px, correlation, seed=1)
    covered = []
    for calibrated, tested in zip(made, made, strict=True):
        below, above = margins(errors_of(SHAPES[shape](calibrated)), 0.9)
        inside = SHAPES[shape](tested)
        covered.append(((inside >= -below) & (inside <= above)).mean())
    assert 0.87 <= np.mean(covered) <= 0.93


def test_independent_errors_give_the_quantiles_of_their_distribution() -> None:
    errors = np.random.default_rng(0).uniform(-1, 3, (800, 800))
    below, above = margins(errors_of(errors, 40), 0.8)
    assert (below, above) == (pytest.approx(0.6, abs=0.03), pytest.approx(2.6, abs=0.03))


def test_blocks_that_differ_widen_the_margins() -> None:
    """Each block has an error of its own: the margin reaches beyond that of the same pixels in random blocks."""
    rng = np.random.default_rng(0)
    own = np.repeat(rng.normal(size=40), 500).astype(np.float32)
    together, mixed = np.repeat(np.arange(40), 500), rng.permutation(np.repeat(np.arange(40), 500))
    wide, narrow = (sum(margins(Errors(own, own, block), 0.9)) for block in (together, mixed))
    assert wide > narrow * 1.1


def test_too_few_blocks_give_no_margin() -> None:
    errors = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    for blocks, found in ((LEAST_BLOCKS - 1, False), (LEAST_BLOCKS, True)):
        assert (margins(Errors(errors, errors, np.arange(1000) % blocks), 0.9) is not None) == found


def test_blocks_that_share_no_range_give_no_margin() -> None:
    """Two of twenty blocks lie alone above all others: no interval from the rest covers them."""
    errors = np.repeat([*range(18), 1e3, 1e4], 10).astype(np.float32)
    block = np.repeat(np.arange(20), 10)
    assert margins(Errors(errors, errors, block), 0.9) is None


@given(st.integers(0, 1000), st.sampled_from([0.5, 0.8, 0.9]))
def test_margins_are_never_negative_and_grow_with_the_level(seed: int, level: float) -> None:
    errors = np.random.default_rng(seed).normal(2, 1, 2000).astype(np.float32)
    found = Errors(errors, errors, np.arange(2000) % 25)
    below, above = margins(found, level)
    assert below >= 0 and above >= 0
    lower, upper = margins(found, level - 0.1)
    assert lower <= below + STEP_M and upper <= above + STEP_M


def test_the_order_of_errors_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    errors, order = errors_of(rng.normal(size=(240, 240))), rng.permutation(120 * 120)
    assert margins(errors, 0.9) == margins(errors.where(order), 0.9)

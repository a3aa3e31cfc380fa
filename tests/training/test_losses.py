"""Losses by hand-computed numbers; unknown pixels change neither value nor gradient."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from img2height.training.losses import LOSSES, masked_l1, masked_l2

PREDICTION = torch.tensor([[[[1.0, 2.0], [5.0, 0.0]]]])
TARGET = torch.tensor([[[[0.0, 4.0], [torch.nan, 0.0]]]])
VALID = torch.isfinite(TARGET)


def test_hand_computed() -> None:
    assert masked_l1(PREDICTION, TARGET, VALID) == pytest.approx((1 + 2 + 0) / 3)
    assert masked_l2(PREDICTION, TARGET, VALID) == pytest.approx((1 + 4 + 0) / 3)


def test_a_target_of_zero_metres_counts() -> None:
    prediction, target = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    assert masked_l1(prediction, target, torch.ones_like(target, dtype=torch.bool)) == 1


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_nothing_known_is_zero_and_not_nan(name: str) -> None:
    prediction = PREDICTION.clone().requires_grad_()
    loss = LOSSES[name](prediction, TARGET, torch.zeros_like(VALID))
    loss.backward()
    assert loss == 0
    assert torch.equal(prediction.grad, torch.zeros_like(prediction))


@pytest.mark.parametrize("name", sorted(LOSSES))
@given(seed=st.integers(0, 10_000), value=st.sampled_from([0.0, -9999.0, 1e30, float("nan"), float("inf")]))
def test_values_under_the_mask_change_nothing(name: str, seed: int, value: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(2, 1, 4, 4, generator=generator)
    valid = torch.rand(2, 1, 4, 4, generator=generator) > 0.4
    results = []
    for changed in (target, torch.where(valid, target, value)):
        prediction = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(seed + 1)).requires_grad_()
        loss = LOSSES[name](prediction, changed, valid)
        loss.backward()
        results.append((loss.item(), prediction.grad))
    assert results[0][0] == results[1][0]
    assert torch.equal(results[0][1], results[1][1])

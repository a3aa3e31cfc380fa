"""Losses by hand-computed numbers; missing pixels change neither value nor gradient."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional
from torchmetrics.functional.image import structural_similarity_index_measure

from img2height.errors import TrainingError
from img2height.training.losses import CLASS_LOSSES, LOSSES

ALL = {**LOSSES, **CLASS_LOSSES}
PREDICTION = torch.tensor([[[[1.0, 2.0], [5.0, 0.0]]]])
TARGET = torch.tensor([[[[0.0, 4.0], [torch.nan, 0.0]]]])
VALID = torch.isfinite(TARGET)
EVERYWHERE = torch.ones(2, 1, 16, 20, dtype=torch.bool)


def random(seed: int, channels: int = 1) -> torch.Tensor:
    return torch.rand(2, channels, 16, 20, generator=torch.Generator().manual_seed(seed))


def pair(name: str, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return predicted and true heights, or logits and buildings."""
    if name in LOSSES:
        return random(seed), random(seed + 1)
    return 4 * random(seed, 2) - 2, (random(seed + 1) > 0.5).float()


def spots(seed: int) -> torch.Tensor:
    """Return a mask with missing spots and a complete corner of 12 x 12 pixels, which contains whole windows."""
    valid = random(seed) > 0.2
    valid[..., :12, :12] = True
    return valid


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("l1", (1 + 2 + 0) / 3),
        ("l2", (1 + 4 + 0) / 3),
        ("smooth_l1", (0.5 + 1.5 + 0) / 3),
        ("gradient", abs(-2 - 1) / 1 + abs(0 + 2) / 1),  # errors 1, -2 in the row; -2, 0 in the column
    ],
)
def test_hand_computed(name: str, expected: float) -> None:
    assert LOSSES[name](PREDICTION, TARGET, VALID) == pytest.approx(expected)


def test_silog_by_hand_image_by_image() -> None:
    """Differences 1 and 3 of the logarithms: mean square 5, half the squared mean 2; then an image of one pixel."""
    prediction = torch.tensor([[1.0, 3.0], [2.0, 7.0]]).expm1().reshape(2, 1, 1, 2)
    target = torch.tensor([[0.0, 0.0], [0.0, torch.nan]]).reshape(2, 1, 1, 2)
    assert LOSSES["silog"](prediction, target, torch.isfinite(target)) == pytest.approx(((5 - 2) + (4 - 2)) / 2)


def test_silog_forgives_half_of_a_common_factor_and_has_a_gradient_below_the_ground() -> None:
    target = 5 + random(1)
    scaled = 3 * (target + 1) - 1
    assert LOSSES["silog"](scaled, target, EVERYWHERE) == pytest.approx(math.log(3) ** 2 / 2, rel=1e-5)
    prediction = torch.tensor([-0.5, 0.0]).reshape(1, 1, 1, 2).requires_grad_()
    LOSSES["silog"](prediction, torch.ones(1, 1, 1, 2), torch.ones(1, 1, 1, 2, dtype=torch.bool)).backward()
    assert (prediction.grad < 0).all()


def test_the_gradient_loss_depends_on_edges_and_not_on_an_offset() -> None:
    target = random(0)
    assert LOSSES["gradient"](target + 7, target, EVERYWHERE) == pytest.approx(0, abs=1e-5)
    ramp = torch.arange(20.0).expand(2, 1, 16, 20)
    assert LOSSES["gradient"](target + 3 * ramp, target, EVERYWHERE) == pytest.approx(3, rel=1e-5)


def test_ssim_is_that_of_torchmetrics_except_for_its_reflected_border() -> None:
    x, y = random(0), random(1)
    _, image = structural_similarity_index_measure(x, y, sigma=1.5, data_range=1.0, return_full_image=True)
    expected = (1 - image[..., 5:-5, 5:-5].mean()) / 2
    assert LOSSES["ssim"](x, y, EVERYWHERE).item() == pytest.approx(expected.item(), abs=1e-6)
    assert LOSSES["ssim"](x, x, EVERYWHERE) == 0


def test_ssim_uses_the_windows_without_missing_pixels() -> None:
    """Without the last column the windows are those of the narrower image."""
    x, y = random(0), random(1)
    valid = EVERYWHERE.clone()
    valid[..., -1] = False
    narrow = LOSSES["ssim"](x[..., :-1], y[..., :-1], valid[..., :-1])
    assert LOSSES["ssim"](x, y, valid).item() == pytest.approx(narrow.item(), abs=1e-6)
    assert narrow.item() != pytest.approx(LOSSES["ssim"](x, y, EVERYWHERE).item(), abs=1e-4)


def test_ssim_is_as_exact_if_the_training_runs_in_half_precision() -> None:
    x, y = 0.9 + random(0) / 100, 0.9 + random(1) / 100
    with torch.autocast("cpu", torch.bfloat16):
        half = LOSSES["ssim"](x, y, EVERYWHERE)
    assert half == LOSSES["ssim"](x, y, EVERYWHERE)


def test_ssim_of_tiles_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(TrainingError, match="windows of 11 px"):
        LOSSES["ssim"](PREDICTION, TARGET, VALID)


def test_footprints_by_hand() -> None:
    """Probabilities of a building 1/2 and 3/4; the third pixel is missing."""
    logits = torch.tensor([[0.0, 0.0, torch.nan], [0.0, math.log(3), torch.nan]]).reshape(1, 2, 1, 3)
    building = torch.tensor([0, 1, 1]).reshape(1, 1, 1, 3)
    valid = torch.tensor([True, True, False]).reshape(1, 1, 1, 3)
    entropy = CLASS_LOSSES["cross_entropy"](logits, building, valid)
    assert entropy.item() == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    dice = CLASS_LOSSES["dice"](logits, building.bool(), valid)
    assert dice.item() == pytest.approx(1 - (2 * 0.75 + 1) / (1.25 + 1 + 1))


def test_cross_entropy_and_smooth_l1_are_those_of_torch() -> None:
    logits, building = pair("cross_entropy", 3)
    expected = functional.cross_entropy(logits, building[:, 0].long())
    assert CLASS_LOSSES["cross_entropy"](logits, building, EVERYWHERE).item() == pytest.approx(expected.item())
    prediction, target = 3 * random(4), random(5)
    expected = functional.smooth_l1_loss(prediction, target)
    assert LOSSES["smooth_l1"](prediction, target, EVERYWHERE).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_target_of_zero_metres_counts(name: str) -> None:
    target = random(0).round()
    prediction = (target + random(1)).requires_grad_()
    LOSSES[name](prediction, target, EVERYWHERE).backward()
    assert (prediction.grad[target == 0] != 0).any()
    without = LOSSES[name](prediction, target, target != 0)
    assert without.item() != LOSSES[name](prediction, target, EVERYWHERE).item()


@pytest.mark.parametrize("name", sorted(ALL))
def test_no_valid_pixels_give_zero_and_not_nan(name: str) -> None:
    prediction, target = pair(name, 0)
    prediction.requires_grad_()
    loss = ALL[name](prediction, torch.full_like(target, torch.nan), ~EVERYWHERE)
    loss.backward()
    assert loss == 0
    assert torch.equal(prediction.grad, torch.zeros_like(prediction))


@pytest.mark.parametrize("name", sorted(ALL))
@given(seed=st.integers(0, 10_000), value=st.sampled_from([0.0, -9999.0, 1e30, float("nan"), float("inf")]))
def test_values_under_the_mask_change_nothing(name: str, seed: int, value: float) -> None:
    prediction, target = pair(name, seed)
    valid = spots(seed + 2)
    results = []
    for p, t in ((prediction, target), (torch.where(valid, prediction, value), torch.where(valid, target, value))):
        p = p.clone().requires_grad_()
        loss = ALL[name](p, t, valid)
        loss.backward()
        results.append((loss.item(), p.grad))
    assert results[0][0] == results[1][0]
    assert torch.equal(results[0][1], results[1][1])
    assert results[0][1].abs().sum() > 0
    assert (results[0][1] * ~valid == 0).all()


@pytest.mark.parametrize("name", sorted(ALL))
def test_gradients_are_those_of_the_finite_differences(name: str) -> None:
    prediction, target = pair(name, 11)
    prediction, target, valid = (x[:1, :, :12, :12] for x in (prediction, target, spots(13)))
    prediction = prediction.double().requires_grad_()
    valid[..., -1] = False
    assert torch.autograd.gradcheck(lambda p: ALL[name](p, target.double(), valid), (prediction,))

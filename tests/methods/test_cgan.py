"""The conditional GAN against the authors' counts, and its arithmetic by hand."""

import math

import pytest
import torch
from torch import nn

from img2height.errors import SettingsError
from img2height.methods import build, build_network
from img2height.methods._patchgan import build_discriminator

KERAS_EPS = 1e-3


def counts(network: nn.Module) -> tuple[int, int]:
    buffers = sum(b.numel() for name, b in network.named_buffers() if name.endswith(("_mean", "_var")))
    return sum(p.numel() for p in network.parameters()), buffers


def small(**options: float) -> nn.Module:
    return build_network("cgan", {"ms": 3}, {"depth": 4, "width": 4, **options})


@pytest.mark.parametrize(("bands", "expected"), [(3, 54_410_881), (4, 54_411_905), (10, 54_418_049), (13, 54_421_121)])
def test_counts_of_the_authors_code(bands: int, expected: int) -> None:
    with torch.device("meta"):
        theirs = build_network("cgan", {"ms": bands}, {"innermost_bn": True})
        ours = build_network("cgan", {"ms": bands}, {})
    assert counts(theirs) == (expected, 10_880)
    assert counts(ours) == (expected - 1_024, 10_880 - 1_024)


@pytest.mark.parametrize(
    ("name", "expected"), [("cgan", 54_409_857), ("cgan_relative", 54_409_857), ("cgan_ms", 54_417_025)]
)
def test_counts_of_the_recipes(name: str, expected: int) -> None:
    with torch.device("meta"):
        assert counts(build(name)) == (expected, 9_856)


@pytest.mark.parametrize(("channels", "expected"), [(4, 2_766_593), (5, 2_767_617)])
def test_counts_of_the_discriminator(channels: int, expected: int) -> None:
    assert counts(build_discriminator(channels)) == (expected, 1_792)


def test_each_output_of_the_discriminator_sees_70_by_70_pixels() -> None:
    x = torch.zeros(1, 4, 256, 256, requires_grad=True)
    verdicts = build_discriminator(4, width=4).eval()(x)
    assert verdicts.shape == (1, 1, 30, 30)
    verdicts[0, 0, 15, 15].backward()
    seen = x.grad.abs().sum(dim=(0, 1))
    for side in (seen.sum(0), seen.sum(1)):
        rows = side.nonzero().flatten()
        assert (rows.min(), rows.max() - rows.min() + 1) == (97, 70)


def test_by_hand() -> None:
    """Two levels, each kernel the mean (down) or a copy (up) of 2 x 2 px: the last step adds the map to its skip."""
    network = build_network("cgan", {"ms": 1}, {"depth": 2, "width": 1, "leaky_slope": 0.2}).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.zero_()[..., 1:3, 1:3] = 1 / 4 / module.in_channels
            elif isinstance(module, nn.ConvTranspose2d):
                module.weight.zero_()[..., 1:3, 1:3] = 1
        network.up[0][0].weight[1:] = 0  # one of the two innermost channels
        positive, negative = (network({"ms": torch.full((1, 1, 4, 4), x)})["height"] for x in (1.0, -1.0))
    assert torch.allclose(positive, torch.tensor(math.tanh(1 + 1 / math.sqrt(1 + KERAS_EPS))))
    assert torch.allclose(negative, torch.tensor(math.tanh(-0.2)))


def test_weights_start_small_and_heights_stay_between_minus_one_and_one() -> None:
    torch.manual_seed(0)
    network = build("cgan", width=8)
    weights = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.Conv2d)])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02)
    with torch.inference_mode():
        height = network({"ms": 1e3 * torch.randn(1, 3, 256, 512)})["height"]
    assert height.shape == (1, 1, 256, 512)
    assert height.abs().max() <= 1


def test_dropout_is_active_only_in_training_and_the_three_deepest_steps() -> None:
    network, x = small(), {"ms": torch.randn(2, 3, 16, 16)}
    assert [any(isinstance(m, nn.Dropout) for m in step) for step in build("cgan", width=1).up] == [True] * 3 + [
        False
    ] * 4
    with torch.inference_mode():
        assert not torch.equal(network(x)["height"], network(x)["height"])
        assert torch.equal(network.eval()(x)["height"], network(x)["height"])


def test_a_single_value_is_not_normalised_by_itself() -> None:
    network = small(innermost_bn=True)
    with pytest.raises(SettingsError, match="set innermost_bn: false, or batch_size to 2"):
        network({"ms": torch.randn(1, 3, 16, 16)})
    assert network({"ms": torch.randn(2, 3, 16, 16)})["height"].shape == (2, 1, 16, 16)
    assert network.eval()({"ms": torch.randn(1, 3, 16, 16)})["height"].shape == (1, 1, 16, 16)
    with pytest.raises(SettingsError, match="at least 2"):
        small(depth=1)

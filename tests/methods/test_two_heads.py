"""The common parts of the six comparison networks: counts, cost, layers, heads, gating, batches of one tile."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from img2height.errors import SettingsError
from img2height.methods import build, build_network, recipes_folder
from img2height.methods._gating import gate
from img2height.methods._two_heads import PooledBatchNorm, TwoHeads
from img2height.settings.project import load_recipe

BANDS = {"eo": 4, "sar": 4}
AUXILIARY = (2_360_579, 512)  # those of PSPNet, which prediction does not use
# Parameters, batch-norm buffers and 10^9 multiply-accumulates at 512 px with image and radar; parameters without radar.
PUBLISHED = {
    "deeplabv3plus": (26_693_779, 57_312, 37.6, 26_681_235),
    "upernet": (37_300_867, 59_264, 77.4, 37_288_323),
    "pspnet": (46_599_043, 58_240, 178.1, 46_586_499),
    "segnet": (29_447_619, 15_872, 161.1, 29_445_315),
    "resunet": (8_227_139, 9_216, 181.8, 8_224_579),
    "duc_hdc": (46_054_976, 105_344, 192.8, 46_042_432),
}
POOLED = {"deeplabv3plus": 32, "upernet": 64, "pspnet": 16}  # networks that average the whole tile, and a small side


def on_meta(name: str) -> nn.Module:
    """Return the published network on the meta device, which is enough for counting."""
    with torch.device("meta"):
        return build(name).to("meta").eval()


def counts(network: nn.Module) -> tuple[int, int]:
    buffers = sum(b.numel() for key, b in network.named_buffers() if not key.endswith("num_batches_tracked"))
    return sum(p.numel() for p in network.parameters()), buffers


def tiles(batch: int, side: int) -> dict[str, Tensor]:
    return {layer: torch.randn(batch, bands, side, side) for layer, bands in BANDS.items()}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_and_cost(name: str) -> None:
    network = on_meta(name)
    parameters, buffers, gmac, without_radar = PUBLISHED[name]
    more = AUXILIARY if name == "pspnet" else (0, 0)
    assert counts(network) == (parameters + more[0], buffers + more[1])
    assert counts(on_meta(f"{name}_eo")) == (without_radar + more[0], buffers + more[1])
    with FlopCounterMode(display=False) as work:
        network({layer: torch.empty(1, bands, 512, 512, device="meta") for layer, bands in BANDS.items()})
    assert work.get_total_flops() / 2e9 == pytest.approx(gmac, abs=0.05)


@pytest.mark.parametrize(("name", "peer"), [("", "fusionheightnet"), ("_eo", "fusionheightnet_a4")])
def test_all_are_trained_as_fusionheightnet_is(name: str, peer: str) -> None:
    own = {"title", "paper", "network", "options", "tile_multiple"}
    expected = load_recipe(recipes_folder(), peer).model_dump(exclude=own)
    for network in PUBLISHED:
        assert load_recipe(recipes_folder(), network + name).model_dump(exclude=own) == expected


def test_layers_are_joined_in_the_order_of_the_recipe_whatever_that_of_the_batch() -> None:
    network = TwoHeads(BANDS, nn.Identity(), "none")
    inputs = tiles(2, 4)
    assert torch.equal(network.joined(dict(reversed(inputs.items()))), torch.cat([inputs["eo"], inputs["sar"]], dim=1))


def test_two_channels_are_footprint_logits_and_the_third_is_the_height() -> None:
    maps = torch.tensor([-3.0, 5.0, 0.0]).reshape(1, 3, 1, 1)
    outputs = TwoHeads({"eo": 3}, nn.Identity(), "none")({"eo": maps})
    assert outputs["footprint"].flatten().tolist() == [-3.0, 5.0]
    assert outputs["height"].flatten().tolist() == [0.5]


@pytest.mark.parametrize(("gating", "expected"), [("none", [0.5, 0.5]), ("hard", [0.5, 0.0]), ("soft", [0.4, 0.1])])
def test_gating_multiplies_heights(gating: str, expected: list[float]) -> None:
    """A building and a background pixel, four to one by their logits."""
    background, building = [-math.log(4), math.log(4)], [0.0, 0.0]
    footprint = torch.tensor([background, building]).reshape(1, 2, 1, 2)
    heights = gate(torch.full((1, 1, 1, 2), 0.5), footprint, gating)
    assert heights.flatten().tolist() == pytest.approx(expected)


def test_a_hard_gate_leaves_the_footprints_without_a_gradient_and_a_soft_one_does_not() -> None:
    footprint = torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1).requires_grad_()
    height = torch.full((1, 1, 1, 1), 0.5).requires_grad_()
    gate(height, footprint, "hard").sum().backward()
    assert footprint.grad is None
    assert height.grad.item() == 1
    gate(height, footprint, "soft").sum().backward()
    assert footprint.grad.abs().min() > 0


def test_gates_are_off_in_the_recipes_and_can_be_switched_on() -> None:
    torch.manual_seed(0)
    inputs = tiles(1, 16)
    open_, hard = (build("resunet", width=4, **options).eval() for options in ({}, {"gating": "hard"}))
    hard.load_state_dict(open_.state_dict())
    outputs = open_(inputs)
    building = outputs["footprint"].argmax(dim=1, keepdim=True)
    assert outputs["height"].min() > 0
    assert torch.equal(hard(inputs)["height"], outputs["height"] * building)


@pytest.mark.parametrize(("name", "side"), POOLED.items())
def test_a_batch_of_one_tile_can_be_trained_on(name: str, side: int) -> None:
    """The last batch of a budget may have one tile, whose average is one value per channel."""
    network = build(name, encoder="resnet18", width=32).train()
    sum(maps.sum() for maps in network(tiles(1, side)).values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_averages_of_one_tile_are_normalised_by_running_statistics() -> None:
    norm, plain = PooledBatchNorm(3), nn.BatchNorm2d(3)
    several, one = torch.randn(5, 3, 1, 1), torch.randn(1, 3, 1, 1)
    assert torch.equal(norm(several), plain(several))
    before = norm.running_mean.clone()
    assert torch.equal(norm(one), plain.eval()(one))
    assert torch.equal(norm.running_mean, before)


@pytest.mark.parametrize(
    ("network", "options", "problem"),
    [
        ("deeplabv3plus", {"encoder": "vgg"}, "encoder is 'vgg'; available: resnet18, .*tu-xception65"),
        ("upernet", {"encoder": "vgg"}, "available: resnet18"),
        ("pspnet", {"encoder": "vgg"}, "available: resnet18"),
        ("duc_hdc", {"encoder": "vgg"}, "available: resnet18"),
        ("resunet", {"gating": "open"}, "gating is 'open'; available: hard, soft, none"),
        ("segnet", {"widht": 3}, "widht"),
    ],
)
def test_invalid_options_are_refused(network: str, options: dict, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        build_network(network, BANDS, options)

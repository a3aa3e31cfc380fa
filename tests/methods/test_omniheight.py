"""Any subset of the inputs: a missing one contributes nothing, and heights start from a surface model."""

from itertools import combinations

import pytest
import torch
from reduced_methods import RECIPES, options_of
from torch import Tensor, nn

from img2height.errors import SettingsError
from img2height.methods import build, build_network, require_optional
from img2height.methods.omniheight import Fusion, gated, opening

BANDS = {layer: len(names) for layer, names in RECIPES["omniheight"].inputs.items()}
SUBSETS = [given for count in range(1, len(BANDS) + 1) for given in combinations(BANDS, count)]
SIDE = 32


def inputs(batch: int = 2, side: int = SIDE) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {layer: torch.randn(batch, bands, side, side, generator=generator) for layer, bands in BANDS.items()}


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Return a network whose correction of the surface model is no longer 0."""
    torch.manual_seed(0)
    network = build("omniheight", **options_of("omniheight")).eval()
    nn.init.normal_(network.heads["correction"].weight)
    return network


@torch.inference_mode()
def test_a_missing_input_changes_nothing_but_its_own_contribution(network: nn.Module) -> None:
    """For every subset: what is NaN is as if it were not there, whatever the weights of its encoder."""
    whole, found = inputs(), {}
    for given in SUBSETS:
        there = {layer: whole[layer] for layer in given}
        found[given] = network(there)["height"]
        assert found[given].isfinite().all()
        blank = {layer: torch.full_like(x, torch.nan) for layer, x in whole.items() if layer not in given}
        torch.testing.assert_close(network({**blank, **there})["height"], found[given])
    assert all((found[one] - found[other]).abs().max() > 1e-3 for one, other in combinations(SUBSETS, 2))


def test_the_initial_weights_do_not_depend_on_the_order_of_the_inputs() -> None:
    networks = []
    for order in (sorted(BANDS), sorted(BANDS, reverse=True)):
        torch.manual_seed(0)
        bands = {layer: BANDS[layer] for layer in order}
        networks.append(build_network("omniheight", bands, options_of("omniheight")).state_dict())
    assert all(torch.equal(value, networks[1][name]) for name, value in networks[0].items())


@torch.inference_mode()
def test_a_hole_in_one_input_leaves_distant_pixels_as_they_are(network: nn.Module) -> None:
    """And the rest of its own sample is still used: it is masked there, not dropped."""
    whole = inputs(side=256)
    holed = {**whole, "sar": whole["sar"].clone()}
    holed["sar"][0, :, :8, :8] = torch.nan
    before, after = network(whole)["height"], network(holed)["height"]
    assert after.isfinite().all()
    assert torch.equal(before[1], after[1])
    assert not torch.equal(before[0, :, :8, :8], after[0, :, :8, :8])
    assert torch.equal(before[0, :, -32:, -32:], after[0, :, -32:, -32:])


@pytest.mark.parametrize("start", ["surface", "above_terrain"])
def test_untrained_heights_are_those_of_the_surface_model(start: str) -> None:
    network = build("omniheight", **{**options_of("omniheight"), "start": start, "terrain_px": 5}).train()
    given = inputs()
    given["dsm_initial"][0, :, :4] = torch.nan
    surface, valid = given["dsm_initial"], given["dsm_initial"].isfinite()
    expected = surface if start == "surface" else surface - opening(surface.nan_to_num(0), 5)
    height = network(given)["height"]
    assert torch.equal(height[valid], expected[valid])
    assert height.isfinite().all()


def test_a_narrow_tower_is_above_terrain_and_a_wide_plateau_is_not() -> None:
    heights = torch.zeros(1, 1, 9, 12)
    heights[..., 3:5, 1:3] = 7.0
    heights[..., 4:] += 2.0 * (torch.arange(8) >= 1)  # a step of 2 m, seven columns wide
    above = heights - opening(heights, 3)
    assert above[0, 0, 3, 1] == 7.0
    assert above[0, 0, :, 5:].abs().max() == 0


def test_footprints_decide_between_two_heights() -> None:
    heights = torch.tensor([2.0, 10.0]).reshape(1, 2, 1, 1)
    for odds, expected in ((1.0, 6.0), (3.0, 8.0), (1e-9, 2.0)):
        logits = torch.tensor([0.0, odds]).reshape(1, 2, 1, 1)
        logits[:, 1] = logits[:, 1].log()
        assert gated(heights, logits).item() == pytest.approx(expected)
    assert torch.equal(gated(heights[:, :1], None), heights[:, :1])


def test_half_of_the_fused_channels_have_the_same_range_for_any_number_of_inputs() -> None:
    fusion = Fusion({"eo": 1, "sar": 1}, 4).eval()
    for layer in ("eo", "sar"):
        nn.init.ones_(fusion.projections[layer].weight)
    one, none = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    scale = (1 + fusion.norm.eps) ** -0.5
    for there, expected in (
        ((one, one), [2, 2, 1, 1]),
        ((one, none), [1, 1, 1, 1]),
        ((one, one / 2), [1.5, 1.5, 1, 1]),
    ):
        found = fusion({"eo": one, "sar": one}, dict(zip(("eo", "sar"), there, strict=True)))
        assert found[0, :, 0, 0].tolist() == pytest.approx([scale * value for value in expected])


def test_the_statistics_of_an_encoder_are_those_of_the_samples_that_have_its_input() -> None:
    given, found = inputs(batch=3, side=64), []
    alone = {layer: x[:1] for layer, x in given.items()}
    given["sar"][1:] = torch.nan
    for batch in (given, {**alone, "sar": given["sar"][:1]}):
        torch.manual_seed(0)
        network = build("omniheight", **options_of("omniheight")).train()
        network(batch)["height"].sum().backward()
        found.append(network.encoders["sar"].state_dict())
    for key, value in found[0].items():
        torch.testing.assert_close(value, found[1][key], msg=key)


def test_a_batch_without_an_input_has_a_gradient_of_zero_for_its_encoder() -> None:
    """Several devices average the gradients of all parameters; the batch norms stay as they are."""
    network = build("omniheight", **options_of("omniheight")).train()
    before = {key: value.clone() for key, value in network.encoders["sar"].named_buffers()}
    given = {**inputs(), "sar": torch.full((2, BANDS["sar"], SIDE, SIDE), torch.nan)}
    network(given)["height"].sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in network.encoders["sar"].parameters())
    assert all(torch.equal(value, before[key]) for key, value in network.encoders["sar"].named_buffers())
    assert network.encoders["sar"].training


def test_a_network_that_needs_all_inputs_is_refused_with_those_that_do_not() -> None:
    require_optional("unet", [])
    with pytest.raises(SettingsError, match=r"unet needs all of its inputs.*\(sar\).*use one of omniheight"):
        require_optional("unet", ["sar"])


@pytest.mark.parametrize(
    ("options", "said"), [({"start": "sea"}, "start is 'sea'"), ({"terrain_px": 4}, "must be odd")]
)
def test_invalid_options_are_refused(options: dict, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        build_network("omniheight", {"eo": 3}, options)

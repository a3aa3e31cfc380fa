"""ResDepth against the authors' weight names and counts, and its arithmetic by hand."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from img2height.errors import SettingsError
from img2height.methods import build, build_network

OFFICIAL = Path(__file__).with_name("resdepth_keys.txt")  # three channels, depth 5
STEREO = {"dsm_initial": 1, "views": 2}
PARTS = ("encoder", "decoder", "bottleneck")


def tiny(bands: dict[str, int], **options: object) -> nn.Module:
    return build_network("resdepth", bands, {"depth": 2, "start_kernel": 2, **options}).eval()


def by_hand(**options: object) -> nn.Module:
    """Depth 1, one channel, no batch norm: every convolution is the identity, the upsampling copies each value."""
    network = build_network(
        "resdepth", {"dsm_initial": 1}, {"depth": 1, "start_kernel": 1, "batch_norm": False, **options}
    ).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight[..., module.kernel_size[0] // 2, module.kernel_size[1] // 2] = 1
            elif isinstance(module, nn.ConvTranspose2d):
                module.weight.fill_(1)
    return network


def height(network: nn.Module, dsm: list[list[float]]) -> Tensor:
    with torch.inference_mode():
        return network({"dsm_initial": torch.tensor(dsm)[None, None]})["height"][0, 0]


def test_weights_have_the_names_order_and_shapes_of_the_official_ones() -> None:
    lines = [line.split(":") for line in OFFICIAL.read_text().splitlines()]
    official = [(name, [int(side) for side in shape.split()]) for name, shape in lines]
    ours = build("resdepth_stereo").state_dict()
    assert [(name, list(value.shape)) for name, value in ours.items()] == official
    assert {value.dtype for name, value in ours.items() if "num_batches" in name} == {torch.int64}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resdepth_0", 12_624_193),
        ("resdepth_mono", 12_624_769),
        ("resdepth_stereo", 12_625_345),
        ("resdepth_stereo_generalized", 12_625_345),
        ("resdepth_stereo_only", 12_624_769),
    ],
)
def test_counts(name: str, expected: int) -> None:
    network = build(name)
    assert sum(p.numel() for p in network.parameters()) == expected
    assert sum(b.numel() for key, b in network.named_buffers() if key.endswith(("_mean", "_var"))) == 5_888


@pytest.mark.parametrize(("depth", "expected"), [(3, 1_675_713), (4, 6_855_617), (6, 18_395_073)])
def test_counts_by_depth(depth: int, expected: int) -> None:
    assert sum(p.numel() for p in build("resdepth_stereo", depth=depth).parameters()) == expected


def test_skips_are_sums() -> None:
    """Skip d, upsampled maximum 4, outer skip d: 2 d + 4."""
    assert height(by_hand(), [[1.0, 2.0], [3.0, 4.0]]).tolist() == [[6.0, 8.0], [10.0, 12.0]]
    assert height(by_hand(outer_skip=False), [[1.0, 2.0], [3.0, 4.0]]).tolist() == [[5.0, 6.0], [7.0, 8.0]]


@pytest.mark.parametrize(("activation", "slope"), [("relu", 0.0), ("lrelu", 0.01), ("prelu", 0.25)])
def test_activations_pass_their_share_of_negative_values(activation: str, slope: float) -> None:
    network = by_hand(outer_skip=False, **{f"activation_{part}": activation for part in PARTS})
    if activation == "prelu":
        for module in network.modules():
            if isinstance(module, nn.PReLU):
                nn.init.constant_(module.weight, slope)
    result = height(network, [[-1.0, -1.0], [-1.0, -1.0]])
    assert torch.allclose(result, torch.full((2, 2), -slope - slope**2))


def test_transposed_convolution_places_its_kernel_and_bilinear_interpolates() -> None:
    ramp = [[0.0, 0.0, 8.0, 8.0]] * 2
    transposed = by_hand(outer_skip=False)
    with torch.no_grad():
        transposed.decoder[0].weight.copy_(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    added = height(transposed, ramp) - torch.tensor(ramp)
    assert added.tolist() == [[0.0, 0.0, 8.0, 16.0], [0.0, 0.0, 24.0, 32.0]]
    added = height(by_hand(outer_skip=False, up_mode="bilinear"), ramp) - torch.tensor(ramp)
    assert added.tolist() == [[0.0, 2.0, 6.0, 8.0]] * 2


def test_outer_skip_can_be_normalised_by_batch() -> None:
    network = by_hand(outer_skip_bn=True)
    with torch.no_grad():
        network.last_layer.weight.zero_()
        network.layer_outer_skip[0].weight.fill_(1)
    network.layer_outer_skip[0].running_mean.fill_(2.0)
    network.layer_outer_skip[0].running_var.fill_(4.0)
    assert torch.allclose(height(network, [[2.0, 4.0], [6.0, 0.0]]), torch.tensor([[0.0, 1.0], [2.0, -1.0]]))


def test_with_a_zero_last_layer_an_untrained_network_returns_the_initial_surface() -> None:
    network = build("resdepth_stereo", zero_last=True).train()
    inputs = {layer: torch.randn(2, bands, 64, 64) for layer, bands in STEREO.items()}
    assert (network(inputs)["height"] - inputs["dsm_initial"]).abs().max() < 1e-6


def test_the_surface_model_is_the_first_channel_whatever_the_order_of_the_inputs() -> None:
    network = tiny({"views": 2, "dsm_initial": 1})
    inputs = {layer: torch.randn(1, bands, 8, 8) for layer, bands in STEREO.items()}
    seen: list[Tensor] = []
    network.encoder[0][0].register_forward_pre_hook(lambda module, args: seen.extend(args))
    network({"views": inputs["views"], "dsm_initial": inputs["dsm_initial"]})
    assert torch.equal(seen[0], torch.cat([inputs["dsm_initial"], inputs["views"]], dim=1))


def test_the_images_only_variant_does_not_use_the_surface_model() -> None:
    network = tiny(STEREO, outer_skip=False, images_only=True)
    views = torch.randn(1, 2, 8, 8)
    first, second = (network({"dsm_initial": torch.randn(1, 1, 8, 8), "views": views})["height"] for _ in range(2))
    assert torch.equal(first, second)
    without = tiny({"views": 2}, outer_skip=False)
    without.load_state_dict(network.state_dict())
    assert torch.equal(without({"views": views})["height"], first)


@pytest.mark.parametrize(
    ("options", "added", "removed"),
    [
        ({"activation_encoder": "prelu"}, "encoder.0.0.2.weight", None),
        ({"activation_decoder": "prelu"}, "decoder.0.1.2.weight", None),
        ({"activation_bottleneck": "prelu"}, "bottleneck.2.weight", None),
        ({"up_mode": "bilinear"}, "decoder.0.0.1.bias", "decoder.0.0.weight"),
        ({"up_mode": "bilinear"}, "decoder.1.1.weight", "decoder.1.weight"),
        ({"batch_norm": False}, "encoder.1.0.0.bias", "encoder.1.0.1.weight"),
        ({"batch_norm": False, "activation_encoder": "prelu"}, "encoder.1.0.1.weight", "encoder.1.0.2.weight"),
        ({"outer_skip_bn": True}, "layer_outer_skip.0.running_var", None),
        ({"bias_last": False}, "last_layer.weight", "last_layer.bias"),
    ],
)
def test_options_have_the_weight_names_of_the_official_ones(options: dict, added: str, removed: str | None) -> None:
    keys = set(tiny(STEREO, **options).state_dict())
    assert added in keys
    assert removed not in keys


@pytest.mark.parametrize(
    ("bands", "options", "problem"),
    [
        ({"views": 2}, {}, "set outer_skip: false"),
        (STEREO, {"images_only": True}, "set outer_skip: false"),
        ({"dsm_initial": 1}, {"images_only": True, "outer_skip": False}, "change the inputs"),
        ({"dsm_initial": 1, "eo": 3}, {}, "found dsm_initial, eo"),
        (STEREO, {"outer_skip": False, "outer_skip_bn": True}, "set outer_skip: true"),
        (STEREO, {"activation_decoder": "gelu"}, "activation_decoder is 'gelu'; available: relu, lrelu, prelu"),
        (STEREO, {"up_mode": "nearest"}, "available: transpose, bilinear"),
        (STEREO, {"depth": 0}, "depth is 0"),
        (STEREO, {"dept": 5}, "dept"),
    ],
)
def test_invalid_options_are_refused(bands: dict, options: dict, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        build_network("resdepth", bands, options)

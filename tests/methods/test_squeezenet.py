"""SqueezeNet with DenseDepth's decoder: counts, taps, and the arithmetic of a decoder block by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from img2height.errors import SettingsError
from img2height.methods import build, build_network
from img2height.methods._depth_decoder import DepthBlock, resize
from img2height.methods.squeezenet import ENCODERS


@pytest.mark.parametrize(
    ("encoder", "expected", "trainable", "sides"),
    [
        ("squeezenet1_1", 4_083_201, 3_360_705, (127, 63, 31, 15)),
        ("squeezenet1_0", 4_851_841, 4_116_417, (125, 62, 31, 15)),
    ],
)
def test_counts_and_taps(encoder: str, expected: int, trainable: int, sides: tuple[int, ...]) -> None:
    with torch.device("meta"):
        network = build("squeezenet", encoder=encoder, freeze_encoder=True)
        x, found = torch.empty(1, 3, 256, 256), []
        for number, layer in enumerate(network.encoder):
            x = layer(x)
            if number in network.taps:
                found.append((x.shape[1], x.shape[-1]))
    assert sum(p.numel() for p in network.parameters()) == expected
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == trainable
    assert [name for name, _ in network.named_buffers()] == []
    assert found == list(zip(ENCODERS[encoder].channels, sides, strict=True))


def test_only_the_second_convolution_of_a_block_is_activated() -> None:
    """1 and a skip of 2 become -3 and then 3, or 0.6 with an activation in between; -3 becomes -0.6."""
    block = DepthBlock(1, 1, 1)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
        block.first.weight[0, :, 1, 1] = -1
        block.second.weight[0, 0, 1, 1] = -1
        x, skip = torch.full((1, 1, 2, 2), 1.0), torch.full((1, 1, 5, 3), 2.0)
        assert torch.allclose(block(x, skip), torch.full((1, 1, 5, 3), 3.0))
        block.second.weight[0, 0, 1, 1] = 1
        assert torch.allclose(block(x, skip), torch.full((1, 1, 5, 3), -0.6))


def test_interpolation_aligns_corners() -> None:
    x = torch.tensor([[0.0, 4.0], [8.0, 12.0]])[None, None]
    expected = [[0.0, 2.0, 4.0], [4.0, 6.0, 8.0], [8.0, 10.0, 12.0]]
    assert resize(x, torch.empty(1, 5, 3, 3))[0, 0].tolist() == expected


def test_the_height_is_predicted_at_half_the_resolution() -> None:
    network, maps = build("squeezenet", half_features=True).eval(), []
    network.height.register_forward_hook(lambda module, inputs, output: maps.append(output))
    with torch.inference_mode():
        height = network({"eo": torch.randn(1, 3, 64, 64)})["height"]
    assert maps[0].shape == (1, 1, 31, 31)
    assert torch.equal(height, functional.interpolate(maps[0], (64, 64), mode="bilinear", align_corners=True))


@pytest.mark.parametrize(("encoder", "least"), [("squeezenet1_1", 17), ("squeezenet1_0", 21)])
def test_odd_sizes_down_to_the_least(encoder: str, least: int) -> None:
    network = build_network("squeezenet", {"eo": 4}, {"encoder": encoder, "half_features": True}).eval()
    with torch.inference_mode():
        for height, width in ((least, least), (least + 2, 2 * least + 3)):
            output = network({"eo": torch.randn(3, 4, height, width)})["height"]
            assert output.shape == (3, 1, height, width)
            assert torch.isfinite(output).all()


def test_a_frozen_encoder_has_no_gradient() -> None:
    network = build("squeezenet", freeze_encoder=True, half_features=True).train()
    network({"eo": torch.randn(1, 3, 32, 32)})["height"].mean().backward()
    assert all(p.grad is None for p in network.encoder.parameters())
    assert all(p.grad is not None for p in nn.ModuleList([network.entry, network.decoder, network.height]).parameters())
    assert not network.encoder.training


def test_an_invalid_encoder_names_the_valid_ones() -> None:
    with pytest.raises(SettingsError, match="available: squeezenet1_0, squeezenet1_1"):
        build("squeezenet", encoder="squeezenet2")

"""MobileNetV2 with DenseDepth's decoder: counts, taps, and a frozen encoder."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v2

from img2height.errors import SettingsError
from img2height.methods import build, build_network
from img2height.methods.mobilenetv2 import CHANNELS, TAPS


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return weights in the form of torchvision's file, classifier included, with statistics of their own."""
    torch.manual_seed(1)
    model = mobilenet_v2()
    nn.init.constant_(model.features[0][1].running_mean, 0.5)
    path = tmp_path_factory.mktemp("weights") / "mobilenet_v2.pth"
    torch.save(model.state_dict(), path)
    return path


@pytest.mark.parametrize(
    ("options", "expected", "trainable"),
    [
        ({}, 19_245_873, 19_245_873),
        ({"freeze_encoder": True}, 19_245_873, 17_022_001),
        ({"half_features": True}, 7_062_873, 7_062_873),
        ({"half_features": True, "freeze_encoder": True}, 7_062_873, 4_839_001),
    ],
)
def test_counts(options: dict, expected: int, trainable: int) -> None:
    with torch.device("meta"):
        network = build("mobilenetv2", **options)
    assert sum(p.numel() for p in network.parameters()) == expected
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == trainable
    assert sum(b.numel() for key, b in network.named_buffers() if key.endswith(("_mean", "_var"))) == 34_112


def test_taps_are_the_last_maps_of_each_resolution() -> None:
    with torch.device("meta"):
        x, found = torch.empty(1, 3, 256, 256), []
        for number, layer in enumerate(build("mobilenetv2").encoder):
            x = layer(x)
            if number in TAPS:
                found.append((x.shape[1], x.shape[-1]))
    assert found == list(zip(CHANNELS, (128, 64, 32, 16, 8), strict=True))


def test_a_file_fills_the_encoder_and_freezes_it(pretrained: Path) -> None:
    """Neither a step nor training mode changes the weights and the batch statistics of the encoder."""
    network = build("mobilenetv2", weights=str(pretrained), half_features=True)
    published = torch.load(pretrained, weights_only=True)
    for _ in range(2):
        for key, value in network.encoder.state_dict().items():
            assert torch.equal(value, published[f"features.{key}"])
        optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3)
        network.train()({"eo": torch.randn(1, 3, 32, 32)})["height"].mean().backward()
        optimizer.step()
    assert network.decoder.training
    assert not any(module.training for module in network.encoder.modules())
    assert all(p.grad is not None for p in network.decoder.parameters())


def test_pretrained_weights_need_three_bands(pretrained: Path) -> None:
    with pytest.raises(SettingsError, match="inputs with the same number of bands"):
        build_network("mobilenetv2", {"eo": 4}, {"weights": str(pretrained)})


@pytest.mark.parametrize(("height", "width"), [(32, 32), (45, 71), (1, 2)])
def test_any_size_and_band_count(height: int, width: int) -> None:
    with torch.device("meta"):
        network = build_network("mobilenetv2", {"eo": 4}, {"half_features": True}).eval()
        output = network({"eo": torch.empty(3, 4, height, width)})["height"]
    assert output.shape == (3, 1, height, width)

"""DeepLabv3+ against the figures of its paper."""

import torch
from torch import nn

from img2height.methods import build, build_network


def test_the_pyramid_has_the_published_rates_at_output_stride_16() -> None:
    trunk = build("deeplabv3plus", encoder="resnet18", width=32).trunk.eval()
    convolutions = [m for m in trunk.decoder.aspp.modules() if isinstance(m, nn.Conv2d)]
    assert sorted({m.dilation[0] for m in convolutions}) == [1, 6, 12, 18]
    features = trunk.encoder(torch.zeros(1, 8, 64, 64))
    assert features[-1].shape[-2:] == (4, 4)
    assert trunk.decoder.block1(features[2]).shape == (1, 48, 16, 16)


def test_with_xception_it_still_predicts_each_pixel() -> None:
    network = build_network("deeplabv3plus", {"eo": 4}, {"encoder": "tu-xception41", "width": 16}).eval()
    with torch.inference_mode():
        outputs = network({"eo": torch.randn(1, 4, 32, 48)})
    assert {name: tuple(maps.shape) for name, maps in outputs.items()} == {
        "footprint": (1, 2, 32, 48),
        "height": (1, 1, 32, 48),
    }

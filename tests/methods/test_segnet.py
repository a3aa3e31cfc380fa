"""SegNet: the decoder mirrors the encoder and unpools to where each maximum was."""

import torch
from torch import nn

from img2height.methods.segnet import SegNet


def test_only_the_maximum_is_unpooled_and_to_its_position() -> None:
    network = SegNet(1, 1)
    for part in (network.encoder, network.decoder):
        for i, layer in enumerate(part):
            if not isinstance(layer, nn.MaxPool2d | nn.MaxUnpool2d):
                part[i] = nn.Identity()
    network.head = nn.Identity()
    x = torch.rand(2, 1, 32, 64)
    y = network(x)
    assert y.count_nonzero() == 2 * 2  # one value for each 32 x 32 pixels
    assert torch.equal(y[y > 0], x[y > 0])
    assert torch.equal(y.amax(dim=(1, 2, 3)), x.amax(dim=(1, 2, 3)))


def test_the_decoder_is_the_mirror_image() -> None:
    network = SegNet(5, 2)
    pools = (nn.MaxPool2d, nn.MaxUnpool2d)
    down, up = (
        [
            "pool" if isinstance(m, pools) else (m.in_channels, m.out_channels)
            for m in part
            if isinstance(m, (nn.Conv2d, *pools))
        ]
        for part in (network.encoder, network.decoder)
    )
    assert down[0] == (5, 2)
    assert up == [step if step == "pool" else step[::-1] for step in reversed(down[1:])]
    assert (network.head.in_channels, network.head.out_channels) == (2, 3)

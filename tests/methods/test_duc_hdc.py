"""DUC-HDC: dilations of the paper, and each coarse pixel's 8 x 8 pixels by hand."""

import torch

from img2height.methods.duc_hdc import DUCHDC


def test_dilations_are_those_of_the_paper() -> None:
    with torch.device("meta"):
        encoder = DUCHDC(3, encoder="resnet101").encoder
    assert [block.conv2.dilation[0] for block in encoder.layer3] == [1, 2, 5, 9] * 5 + [1, 2, 5]
    assert [block.conv2.dilation[0] for block in encoder.layer4] == [5, 9, 17]
    strides = {m.conv2.stride for stage in (encoder.layer3, encoder.layer4) for m in stage}
    assert strides == {(1, 1)}


def test_channels_of_a_coarse_pixel_are_the_pixels_under_it() -> None:
    network = DUCHDC(3, encoder="resnet18").eval()
    with torch.no_grad():
        network.duc.weight.zero_()
        network.duc.bias.copy_(torch.arange(3 * 64.0))
    maps = network(torch.zeros(1, 3, 16, 24))
    assert maps.shape == (1, 3, 16, 24)
    assert torch.equal(maps[0, :, 8:, 16:], torch.arange(3 * 64.0).reshape(3, 8, 8))


def test_heights_below_half_the_range_are_possible() -> None:
    """A ReLU after the convolution would make every channel at least 0, and a height of 0.5 of that."""
    torch.manual_seed(0)
    assert DUCHDC(3, encoder="resnet18").eval()(torch.randn(1, 3, 32, 32)).min() < 0

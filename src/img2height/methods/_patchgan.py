"""PatchGAN, the discriminator of pix2pix: Isola et al. (2017), https://arxiv.org/abs/1611.07004."""

from torch import nn

from img2height.methods._pix2pix import batch_norm, convolution


def build_discriminator(
    in_channels: int, *, width: int = 64, leaky_slope: float = 0.2, bn_momentum: float = 0.01
) -> nn.Module:
    """Return a network that classifies each 70 x 70 patch of heights as real or predicted, as logits.

    Its input is image and height as one map, B x in_channels x H x W, its output B x 1 x H/8 - 2 x W/8 - 2.

    Args:
        in_channels: bands of the image plus one for the height.
        width: channels of the first level; each level doubles them.
        leaky_slope: of the activations.
        bn_momentum: share of a new batch in the running statistics.
    """

    def level(i: int, o: int, stride: int) -> list[nn.Module]:
        return [convolution(i, o, stride=stride), batch_norm(o, bn_momentum), nn.LeakyReLU(leaky_slope)]

    return nn.Sequential(
        convolution(in_channels, width), nn.LeakyReLU(leaky_slope),  # B x 64 x H/2 x W/2
        *level(width, 2 * width, stride=2),  # B x 128 x H/4 x W/4
        *level(2 * width, 4 * width, stride=2),  # B x 256 x H/8 x W/8
        *level(4 * width, 8 * width, stride=1),  # B x 512 x H/8 - 1 x W/8 - 1
        convolution(8 * width, 1, stride=1, bias=True),  # B x 1 x H/8 - 2 x W/8 - 2
    )  # fmt: skip

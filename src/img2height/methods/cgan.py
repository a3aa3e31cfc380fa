"""Elevation by a conditional GAN: Panagiotou et al. (2020), "Generating Elevation Surface from a Single RGB Remotely
Sensed Image Using Deep Learning", https://doi.org/10.3390/rs12122002.

The generator is the U-Net-256 of pix2pix, Isola et al. (2017), https://arxiv.org/abs/1611.07004. Its discriminator, in
`_patchgan.py`, is only used in training.
"""  # noqa: D205

import torch
from torch import Tensor, nn

from img2height.errors import SettingsError
from img2height.methods._layout import Layout
from img2height.methods._pix2pix import batch_norm, convolution, initialised

LAYOUT = Layout(channels_last=True, batch=8)  # deep levels have few pixels: a batch shares the reading of their weights
DROPOUT_LEVELS = 3  # the deepest upsampling steps, whose dropout is the noise of the generator


class Generator(nn.Module):
    """U-Net from the image to heights between -1 and 1, down to a single pixel at 2 ** depth px.

    Args:
        bands: number of bands by input layer.
        depth: number of halvings; height and width of the inputs are multiples of 2 ** depth.
        width: channels of the first level; each level doubles them, up to eight times as many.
        innermost_bn: apply batch norm to the innermost map too, as the authors' code does.
        leaky_slope: of the encoder's activations.
        dropout: dropout probability in the three deepest upsampling steps.
        bn_momentum: share of a new batch in the running statistics; Keras's momentum 0.99 is 0.01 here.
    """

    def __init__(
        self, bands: dict[str, int], *, depth: int, width: int, innermost_bn: bool, leaky_slope: float, dropout: float,
        bn_momentum: float,
    ):  # fmt: skip
        super().__init__()
        self.layers = list(bands)
        self.innermost_bn = innermost_bn
        widths = [width * min(8, 1 << level) for level in range(depth)]
        self.down = nn.ModuleList()
        for level, (i, o) in enumerate(zip([sum(bands.values()), *widths], widths, strict=False)):
            normalised = 0 < level < depth - 1 or (level == depth - 1 and innermost_bn)
            norm = [batch_norm(o, bn_momentum)] if normalised else []
            self.down.append(nn.Sequential(convolution(i, o), *norm, nn.LeakyReLU(leaky_slope)))
        self.up = nn.ModuleList()
        for level, (i, o) in enumerate(zip(_joined(widths), widths[-2::-1], strict=False)):
            noise = [nn.Dropout(dropout)] if level < DROPOUT_LEVELS else []
            self.up.append(nn.Sequential(_enlarging(i, o), batch_norm(o, bn_momentum), *noise, nn.ReLU()))
        self.last = nn.Sequential(_enlarging(2 * width, 1, bias=True), nn.Tanh())

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the height from -1 to 1, B x 1 x H x W, of layers of B x C x H x W.

        Raises:
            SettingsError: batch norm is on for an innermost map with a single value per channel.
        """
        x = torch.cat([inputs[layer] for layer in self.layers], dim=1)  # B x sum of C x H x W
        if self.training and self.innermost_bn and x[:, 0].numel() == 4 ** len(self.down):
            raise SettingsError(
                "cgan: innermost_bn would normalise a single value by itself, which always gives 0; "
                "set innermost_bn: false, or batch_size to 2 or more"
            )
        skips = []
        for step in self.down:
            x = step(x)  # B x 64,128,256,512,512,512,512,512 x H/2,...,H/256 x ...
            skips.append(x)
        skips.pop()
        for step in self.up:
            x = torch.cat([step(x), skips.pop()], dim=1)  # B x 1024,1024,1024,1024,512,256,128 x H/128,...,H/2 x ...
        return {"height": self.last(x)}  # B x 1 x H x W


def _joined(widths: list[int]) -> list[int]:
    """Return the channels that enter each upsampling step: the innermost map, then maps concatenated with skips."""
    return [widths[-1], *(2 * w for w in widths[-2:0:-1])]


def _enlarging(in_channels: int, channels: int, *, bias: bool = False) -> nn.Module:
    return initialised(nn.ConvTranspose2d(in_channels, channels, 4, stride=2, padding=1, bias=bias))


def build(
    bands: dict[str, int], *, depth: int = 8, width: int = 64, innermost_bn: bool = False, leaky_slope: float = 0.2,
    dropout: float = 0.5, bn_momentum: float = 0.01,
) -> nn.Module:  # fmt: skip
    """Return the generator; see `Generator` for the options.

    Raises:
        SettingsError: there are too few levels for a U-Net.
    """
    if depth < 2:
        raise SettingsError(f"cgan: depth is {depth}; it must be at least 2, and 8 for the published network")
    return Generator(
        bands, depth=depth, width=width, innermost_bn=innermost_bn, leaky_slope=leaky_slope, dropout=dropout,
        bn_momentum=bn_momentum,
    )  # fmt: skip

"""The decoder of DenseDepth after a pretrained encoder, shared by two methods.

Wang, Wang, Chen and Qiu, "Monocular Depth Estimation Based on Convolutional Neural Networks", a report of the
University of Michigan, after DenseDepth: Alhashim and Wonka (2018), "High Quality Monocular Depth Estimation via
Transfer Learning", https://arxiv.org/abs/1812.11941. The report states no widths: as in DenseDepth, a 1 x 1 convolution
keeps the width of the encoder, and each block halves it.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAKY_SLOPE = 0.2  # as in DenseDepth


class DepthBlock(nn.Module):
    """Bilinear upsampling, concatenation with the encoder's map of that size, two convolutions and one activation."""

    def __init__(self, in_channels: int, skip_channels: int, channels: int):
        super().__init__()
        self.first = nn.Conv2d(in_channels + skip_channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return B x channels x H x W for any x and a skip of H x W, which need not be twice as large."""
        x = torch.cat([resize(x, skip), skip], dim=1)  # B x (in + skip) x H x W
        return functional.leaky_relu(self.second(self.first(x)), LEAKY_SLOPE)


class DepthNetwork(nn.Module):
    """A pretrained encoder and DenseDepth's decoder; heights are predicted at half the resolution and interpolated.

    Args:
        layers: the inputs, which are concatenated in this order.
        encoder: its parts in order.
        taps: the parts whose outputs are skips, shallow to deep, and last the one where the decoder starts.
        channels: of these outputs.
        width: channels at the start of the decoder.
        frozen: do not train the encoder, nor the statistics of its batch norms.
    """

    def __init__(
        self, layers: Sequence[str], encoder: nn.Sequential, taps: Sequence[int], channels: Sequence[int], *,
        width: int, frozen: bool,
    ):  # fmt: skip
        super().__init__()
        widths = [width >> level for level in range(len(channels))]  # one block per skip
        self.layers = layers
        self.taps = taps
        self.frozen = frozen
        self.encoder = encoder.requires_grad_(not frozen)
        self.entry = nn.Conv2d(channels[-1], width, 1)
        self.decoder = nn.ModuleList(
            DepthBlock(i, skip, o) for (i, o), skip in zip(pairwise(widths), channels[-2::-1], strict=True)
        )
        self.height = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def train(self, mode: bool = True) -> "DepthNetwork":
        """Return itself in training or evaluation mode; a frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the normalised height, B x 1 x H x W, of layers of B x C x H x W."""
        image, skips = torch.cat([inputs[layer] for layer in self.layers], dim=1), []  # B x sum of C x H x W
        x = image
        for number, layer in enumerate(self.encoder):
            x = layer(x)
            if number in self.taps:
                skips.append(x)  # H/2, H/4, H/8, H/16 and, in MobileNetV2, H/32
        x = self.entry(skips.pop())  # B x width x H/32 x W/32
        for block in self.decoder:
            x = block(x, skips.pop())  # B x width/2,width/4,width/8,width/16 x H/16,H/8,H/4,H/2 x ...
        return {"height": resize(self.height(x), image)}  # B x 1 x H x W


def resize(x: Tensor, like: Tensor) -> Tensor:
    """Return maps interpolated to the height and width of other maps, with aligned corners as in DenseDepth."""
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=True)

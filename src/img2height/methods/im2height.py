"""IM2HEIGHT: Mou and Zhu (2018), "IM2HEIGHT: Height Estimation from Single Monocular Imagery via Fully Residual
Convolutional-Deconvolutional Network", https://arxiv.org/abs/1802.10249.

Widths and positions of pooling are those of the paper's Fig. 7; kernel sizes inside the blocks and the positions of
batch normalisation follow from its parameter counts (3,976,907 trainable, 4,864 not).
"""  # noqa: D205

from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from img2height.methods._convolutions import ToOneChannel

ENCODER = (64, 128, 256, 512)
DECODER = (256, 128, 64)
BN_EPS = 1e-3  # Keras's default, as in the paper's implementation


class Block(nn.Module):
    """Three convolutions; in a residual block the identity bypasses the last two."""

    def __init__(self, in_channels: int, channels: int, *, residual: bool, bn_momentum: float):
        super().__init__()
        self.entry = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels, BN_EPS, bn_momentum)
        self.inner = nn.Conv2d(channels, channels, 1)
        self.outer = nn.Conv2d(channels, channels, 1)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Return B x channels x H x W for B x in_channels x H x W."""
        x = functional.relu(self.norm(self.entry(x)), inplace=True)  # B x C x H x W
        y = self.outer(functional.relu(self.inner(x), inplace=True))  # B x C x H x W
        return functional.relu(x + y if self.residual else y, inplace=True)


class IM2Height(nn.Module):
    """Convolutional-deconvolutional network with index unpooling.

    Args:
        bands: number of bands by input layer; the layers are concatenated in this order.
        residual: blocks with identity bypasses; False gives the paper's plain network.
        skip: concatenate the first block's output with the last block's input.
        bn_momentum: share of a new batch in the running statistics; Keras's momentum 0.99 is 0.01 here.
        output_scale: factor on the initial weights of block 8; plain Glorot starts ten times too high.
    """

    def __init__(self, bands: dict[str, int], *, residual: bool, skip: bool, bn_momentum: float, output_scale: float):
        super().__init__()
        self.layers = list(bands)
        block = partial(Block, residual=residual, bn_momentum=bn_momentum)
        encoder_in = (sum(bands.values()), *ENCODER[:-1])
        decoder_in = (ENCODER[-1], *DECODER[:-1])
        self.encoder = nn.ModuleList(block(i, o) for i, o in zip(encoder_in, ENCODER, strict=True))
        self.unpooled_norm = nn.ModuleList(nn.BatchNorm2d(i, BN_EPS, bn_momentum) for i in decoder_in)
        self.decoder = nn.ModuleList(block(i, o) for i, o in zip(decoder_in, DECODER, strict=True))
        joined = DECODER[-1] + (ENCODER[0] if skip else 0)
        self.joined_norm = nn.BatchNorm2d(joined, BN_EPS, bn_momentum)
        narrow, last = ToOneChannel(joined), nn.Conv2d(1, 1, 3, padding=1)
        self.height = nn.Sequential(narrow, nn.ReLU(), last)
        self.residual = residual
        self.skip = skip
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                glorot_normal_truncated_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        with torch.no_grad():
            narrow.weight.mul_(output_scale)
            # Behind a ReLU of one channel, a negative sum would let no height be far above the bias.
            last.weight.mul_(torch.where(last.weight.sum() < 0, -1.0, 1.0))

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the normalised height of each pixel.

        Args:
            inputs: by layer, normalised, B x C x H x W; H and W are multiples of 16.
        """
        x = torch.cat([inputs[layer] for layer in self.layers], dim=1)  # B x sum of C x H x W
        indexes: list[Tensor] = []
        for block in self.encoder:
            x = block(x)  # B x 64,128,256,512 x H,H/2,H/4,H/8 x W,W/2,W/4,W/8
            if not indexes:
                first = x
            x, index = functional.max_pool2d(x, 2, return_indices=True)
            indexes.append(index)
        for norm, block in zip(self.unpooled_norm, self.decoder, strict=True):
            x = unpool(x, indexes.pop())  # B x 512,256,128 x H/8,H/4,H/2 x ...
            x = block(norm(x))  # B x 256,128,64 x H/8,H/4,H/2 x ...
        x = unpool(x, indexes.pop())  # B x 64 x H x W
        if self.skip:
            x = torch.cat([first, x], dim=1)  # B x 128 x H x W
        return {"height": self.height(self.joined_norm(x))}  # B x 1 x H x W


def unpool(x: Tensor, index: Tensor) -> Tensor:
    """Return B x C x 2H x 2W with each value at the place from which its maximum was taken, and 0 elsewhere.

    Values are only moved, so they keep their precision: autocast would store four times as many in float32.

    Args:
        x: B x C x H x W.
        index: of the maxima, from `max_pool2d`, B x C x H x W.
    """
    # autocast refuses tensors without values, which count the parameters of a network
    with nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False):
        return functional.max_unpool2d(x, index, (2, 2))


def glorot_normal_truncated_(weight: Tensor) -> None:
    """Fill a weight from Glorot's normal distribution truncated at two standard deviations, as Keras does.

    Source: Glorot and Bengio (2010), https://proceedings.mlr.press/v9/glorot10a.html.
    """
    receptive = weight[0, 0].numel()
    fan_in, fan_out = weight.shape[1] * receptive, weight.shape[0] * receptive
    std = (2.0 / (fan_in + fan_out)) ** 0.5
    nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


def build(
    bands: dict[str, int], *, residual: bool = True, skip: bool = True, bn_momentum: float = 0.01,
    output_scale: float = 0.1,
) -> nn.Module:  # fmt: skip
    """Return IM2HEIGHT or one of its ablations; see `IM2Height` for the options."""
    return IM2Height(bands, residual=residual, skip=skip, bn_momentum=bn_momentum, output_scale=output_scale)

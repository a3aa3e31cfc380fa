"""Blocks shared by generator and discriminator of pix2pix: Isola et al. (2017), https://arxiv.org/abs/1611.07004."""

from torch import nn

WEIGHT_STD = 0.02
BN_EPS = 1e-3  # Keras's default, as in the authors' code


def convolution(in_channels: int, channels: int, *, stride: int = 2, bias: bool = False) -> nn.Module:
    """Return a 4 x 4 convolution that halves height and width; with stride 1 it removes one pixel."""
    return initialised(nn.Conv2d(in_channels, channels, 4, stride, padding=1, bias=bias))


def batch_norm(channels: int, momentum: float) -> nn.BatchNorm2d:
    """Return a batch normalisation; `momentum` is the share of a new batch in the running statistics."""
    return nn.BatchNorm2d(channels, BN_EPS, momentum)


def initialised(module: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    """Return a convolution with new weights from N(0, 0.02) and a bias of 0."""
    nn.init.normal_(module.weight, std=WEIGHT_STD)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module

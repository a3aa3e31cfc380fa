"""ResUNet: Zhang, Liu and Wang (2018), "Road Extraction by Deep Residual U-Net", https://arxiv.org/abs/1711.10684."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from img2height.methods._two_heads import OUT_CHANNELS, TwoHeads


class Unit(nn.Module):
    """Pre-activated residual unit: normalise, activate and convolve twice, with a convolution in the shortcut.

    Args:
        in_channels: input channels.
        channels: output channels.
        stride: of the first convolution and the shortcut.
        first: the unit at the image, which starts with its convolution.
    """

    def __init__(self, in_channels: int, channels: int, *, stride: int = 1, first: bool = False):
        super().__init__()
        self.residual = nn.Sequential(
            *([] if first else [nn.BatchNorm2d(in_channels), nn.ReLU(inplace=True)]),
            nn.Conv2d(in_channels, channels, 3, stride, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(in_channels, channels, 1, stride), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return B x channels x H/stride x W/stride for B x in_channels x H x W."""
        return self.residual(x) + self.shortcut(x)


class ResUNet(nn.Module):
    """U-Net of residual units: three down, a bridge, three up.

    Args:
        in_channels: image bands.
        width: channels of the first unit; each deeper one doubles them.
    """

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        widths = [width << level for level in range(4)]
        self.encoder = nn.ModuleList(
            [
                Unit(in_channels, widths[0], first=True),
                Unit(widths[0], widths[1], stride=2),
                Unit(widths[1], widths[2], stride=2),
            ]
        )
        self.bridge = Unit(widths[2], widths[3], stride=2)
        self.decoder = nn.ModuleList(Unit(widths[i + 1] + widths[i], widths[i]) for i in (2, 1, 0))
        self.head = nn.Conv2d(widths[0], OUT_CHANNELS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return B x 3 x H x W for B x in_channels x H x W; H and W are multiples of 8."""
        skips = []
        for unit in self.encoder:
            x = unit(x)  # B x 64,128,256 x H,H/2,H/4 x ...
            skips.append(x)
        x = self.bridge(x)  # B x 512 x H/8 x W/8
        for unit in self.decoder:
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = unit(torch.cat([x, skips.pop()], dim=1))  # B x 256,128,64 x H/4,H/2,H x ...
        return self.head(x)  # B x 3 x H x W


def build(bands: dict[str, int], *, width: int = 64, gating: str = "none") -> nn.Module:
    """Return ResUNet with two heads; see `ResUNet` and `TwoHeads` for the options."""
    return TwoHeads(bands, ResUNet(sum(bands.values()), width), gating)

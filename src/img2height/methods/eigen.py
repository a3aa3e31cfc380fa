"""Eigen, Puhrsch and Fergus (2014), "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network",
https://arxiv.org/abs/1406.2283, as in IM2HEIGHT's comparison: trained jointly, upsampled bilinearly.

At 256 x 256 px both scales have 87,760,909 parameters, 84 million of them in the two fully connected layers.
"""  # noqa: D205

import torch
from torch import Tensor, nn
from torch.nn import functional

from img2height.errors import SettingsError
from img2height.methods._layout import Layout

LAYOUT = Layout(channels_last=True, batch=8)  # the weights of the fully connected layers are read once per batch
COARSE_STRIDE = 32  # of the maps that enter the fully connected layers
HIDDEN = 4096


class Eigen(nn.Module):
    """A coarse network on the whole tile and a fine one that adds edges.

    Args:
        bands: number of bands by input layer.
        size_px: side of the tiles; the fully connected layers fit no other size.
        dropout: dropout probability of the hidden units.
    """

    def __init__(self, bands: dict[str, int], *, size_px: int, dropout: float):
        super().__init__()
        self.layers = list(bands)
        self.size_px = size_px
        in_channels, side = sum(bands.values()), size_px // 4
        self.coarse = nn.Sequential(
            nn.Conv2d(in_channels, 96, 11, stride=4, padding=4), nn.ReLU(), nn.MaxPool2d(2),  # B x 96 x H/8 x W/8
            nn.Conv2d(96, 256, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),  # B x 256 x H/16 x W/16
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),  # B x 384 x H/16 x W/16
            nn.Conv2d(384, 384, 3, padding=1), nn.ReLU(),  # B x 384 x H/16 x W/16
            nn.Conv2d(384, 256, 3, stride=2, padding=1), nn.ReLU(),  # B x 256 x H/32 x W/32
            nn.Flatten(),
            nn.Linear(256 * (size_px // COARSE_STRIDE) ** 2, HIDDEN), nn.ReLU(), nn.Dropout(dropout),  # B x 4096
            nn.Linear(HIDDEN, side * side),
            nn.Unflatten(1, (1, side, side)),  # B x 1 x H/4 x W/4
        )  # fmt: skip
        self.edges = nn.Sequential(
            nn.Conv2d(in_channels, 63, 9, stride=2, padding=4),
            nn.ReLU(),
            nn.MaxPool2d(2),  # B x 63 x H/4 x W/4
        )
        self.fine = nn.Sequential(
            nn.Conv2d(64, 64, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(64, 1, 5, padding=2),  # B x 1 x H/4 x W/4
        )

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the normalised height, B x 1 x H x W, of layers of B x C x H x W.

        Raises:
            SettingsError: the tile size differs from the size of the network.
        """
        x = torch.cat([inputs[layer] for layer in self.layers], dim=1)  # B x sum of C x H x W
        if x.shape[-2:] != (self.size_px, self.size_px):
            raise SettingsError(
                f"eigen is built for tiles of {self.size_px} x {self.size_px} px, found {x.shape[-2]} x {x.shape[-1]}; "
                "make tiling.tile_px, inference.window_px and the option size_px equal"
            )
        coarse_and_edges = torch.cat([self.edges(x), self.coarse(x)], dim=1)  # B x 64 x H/4 x W/4
        return {"height": functional.interpolate(self.fine(coarse_and_edges), scale_factor=4, mode="bilinear")}


def build(bands: dict[str, int], *, size_px: int = 256, dropout: float = 0.5) -> nn.Module:
    """Return the network for tiles of `size_px`; see `Eigen` for the options.

    Raises:
        SettingsError: the size is not a multiple of 32.
    """
    if size_px < COARSE_STRIDE or size_px % COARSE_STRIDE:
        raise SettingsError(f"eigen: size_px is {size_px}; it must be a multiple of {COARSE_STRIDE}, e.g. 256")
    return Eigen(bands, size_px=size_px, dropout=dropout)

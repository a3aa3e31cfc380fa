"""The common parts of FusionHeightNet's comparison networks: layers concatenated at the input, two heads."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from img2height.errors import SettingsError
from img2height.methods._gating import GATINGS, gate

OUT_CHANNELS = 3  # two footprint logits and a height


class TwoHeads(nn.Module):
    """A network on one concatenated image that predicts footprints and heights.

    Args:
        bands: number of bands by layer; the layers are concatenated in this order.
        trunk: turns B x sum of bands x H x W into B x 3 x H x W.
        gating: gating of heights by footprints, see `gate`; it is specific to FusionHeightNet, so recipes leave it off.

    Raises:
        SettingsError: there is no such gating.
    """

    def __init__(self, bands: dict[str, int], trunk: nn.Module, gating: str):
        super().__init__()
        require_available("gating", gating, GATINGS)
        self.layers = list(bands)
        self.trunk = trunk
        self.gating = gating

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return footprint logits, B x 2 x H x W, and height from 0 to 1, B x 1 x H x W, of layers of B x C x H x W."""
        return self.heads(self.trunk(self.joined(inputs)))

    def joined(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return all bands of all layers as one image."""
        return torch.cat([inputs[layer] for layer in self.layers], dim=1)  # B x sum of C x H x W

    def heads(self, maps: Tensor) -> dict[str, Tensor]:
        """Return the outputs encoded in three channels.

        Args:
            maps: B x 3 x H x W.
        """
        footprint, height = maps.split([2, 1], dim=1)  # B x 2,1 x H x W
        return {"footprint": footprint, "height": gate(height.sigmoid(), footprint, self.gating)}


class PooledBatchNorm(nn.BatchNorm2d):
    """Batch norm of maps averaged to one pixel: a batch of one tile is normalised by the running statistics.

    Such a batch has one value per channel, which torch refuses to normalise; the last batch of a training may be one.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return B x C x 1 x 1 for an input of the same shape."""
        if self.training and len(x) == 1:
            return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


def require_available(option: str, value: str, available: tuple[str, ...]) -> None:
    """Raise a SettingsError if an option has an invalid value."""
    if value not in available:
        raise SettingsError(f"{option} is {value!r}; available: {', '.join(available)}")

"""A network without weights: 0 everywhere, or the unchanged initial surface model.

With heights in metres, 0 is flat ground; with z-scores, it is the mean training height.
"""

import torch
from torch import Tensor, nn

from img2height.errors import SettingsError
from img2height.vocabulary.layers import INITIAL


class Constant(nn.Module):
    """Predicts the normalised height 0 at each pixel.

    Args:
        outer_skip: add 0 to the initial surface model, as ResDepth adds its prediction.
    """

    def __init__(self, *, outer_skip: bool):
        super().__init__()
        self.outer_skip = outer_skip

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return B x 1 x H x W for inputs of B x C x H x W."""
        if self.outer_skip:
            return {"height": inputs[INITIAL]}  # B x 1 x H x W
        return {"height": torch.zeros_like(next(iter(inputs.values()))[:, :1])}  # B x 1 x H x W


def build(bands: dict[str, int], *, outer_skip: bool = False) -> nn.Module:
    """Return the constant network; see `Constant` for the option.

    Raises:
        SettingsError: there is no initial surface model to return.
    """
    if outer_skip and INITIAL not in bands:
        raise SettingsError("constant: outer_skip returns the initial surface model; add dsm_initial to the inputs")
    return Constant(outer_skip=outer_skip)

"""The gating of heights by footprints: equation 16 of FusionHeightNet, https://doi.org/10.3390/rs16060958."""

from torch import Tensor

GATINGS = ("hard", "soft", "none")


def gate(height: Tensor, footprint: Tensor, gating: str) -> Tensor:
    """Return the heights gated by the footprints, B x 1 x H x W.

    Args:
        height: B x 1 x H x W from 0 to 1.
        footprint: logits of background and building, B x 2 x H x W.
        gating: `hard` (0 where background is more likely, without a gradient to the footprints), `soft` (multiplied by
            the building probability), or `none`.
    """
    if gating == "hard":
        return height * footprint.argmax(dim=1, keepdim=True)
    if gating == "soft":
        return height * footprint.softmax(dim=1)[:, 1:]
    return height

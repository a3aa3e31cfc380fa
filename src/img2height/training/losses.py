"""Losses over known pixels. What lies under the mask changes neither value nor gradient."""

from collections.abc import Callable

import torch
from torch import Tensor

MaskedLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


def _differences(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Return the difference per pixel, exactly 0 where the target is unknown."""
    return torch.where(valid, prediction, 0.0) - torch.where(valid, target, 0.0)


def masked_l1(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Return the mean absolute difference over the known pixels; 0 where there is none.

    Args:
        prediction: B x 1 x H x W.
        target: B x 1 x H x W; anything, NaN included, where it is unknown.
        valid: B x 1 x H x W bool.
    """
    return _differences(prediction, target, valid).abs().sum() / valid.sum().clamp(min=1)


def masked_l2(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Return the mean squared difference over the known pixels; arguments as in `masked_l1`."""
    return _differences(prediction, target, valid).square().sum() / valid.sum().clamp(min=1)


LOSSES: dict[str, MaskedLoss] = {"l1": masked_l1, "l2": masked_l2}

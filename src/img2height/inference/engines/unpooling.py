"""Index unpooling without indexes: engines have no fast form of it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

SIDE = 2  # of the cells that are pooled


class MaskedUnpooling(TorchFunctionMode):
    """Within it, max pooling with indexes returns masks instead of them, and unpooling multiplies by the masks.

    Both are exact: a mask is true at the first maximum of each cell, row by row, which is the position that torch's
    index names. In torch itself the indexes are ten times faster, so that networks are written with them. In engines,
    IM2HEIGHT takes seven times as long with the scattering that indexes become as with comparisons and a pixel shuffle.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Replace the two functions; cells of other sides are left to torch."""
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name == "max_pool2d_with_indices" and _is_a_cell(*args[1:], **kwargs):
            return _pooled(args[0])
        if name == "max_unpool2d" and args[1].dtype == torch.bool:
            return functional.pixel_shuffle((args[0].unsqueeze(2) * args[1]).flatten(1, 2), SIDE)
        return func(*args, **kwargs)


def _is_a_cell(
    kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False, **_: bool
) -> bool:
    """Return whether the arguments of a pooling divide the image into cells of 2 x 2 pixels."""
    plain = all(value in (usual, (usual, usual)) for value, usual in ((padding, 0), (dilation, 1)))
    sides = [value in (SIDE, (SIDE, SIDE)) for value in (kernel_size, stride or kernel_size)]
    return plain and all(sides) and not ceil_mode


def _pooled(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maxima, B x C x H/2 x W/2, and the masks of the four places of a cell, B x C x 4 x H/2 x W/2."""
    maximum = functional.max_pool2d(x, SIDE)
    left_out, masks = torch.zeros_like(maximum, dtype=torch.bool), []
    for row in range(SIDE):
        for column in range(SIDE):
            here = (x[..., row::SIDE, column::SIDE] == maximum) & ~left_out
            left_out = left_out | here
            masks.append(here)
    return maximum, torch.stack(masks, dim=2)

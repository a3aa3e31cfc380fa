"""The memory layout of networks; that of prediction windows on a CPU is declared per network from a measurement."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Layout:
    """The settings with which a network runs fastest on a CPU, as measured by `benchmarks/layouts.py`.

    They are declared, not probed at the start of a prediction: both change the order of sums and thus the last digits,
    and a probe may choose differently on a busy machine. When declared, the same prediction gives the same bytes.

    Attributes:
        channels_last: store images and weights in memory as N x H x W x C.
        batch: number of windows computed together.
    """

    channels_last: bool
    batch: int


DEFAULT = Layout(channels_last=True, batch=1)


def arrange(network: nn.Module, order: torch.memory_format) -> nn.Module:
    """Return the network with its weights in this order in memory."""
    return network.to(memory_format=order)  # type: ignore[call-overload]  # torch's types lack this overload

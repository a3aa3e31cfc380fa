"""How the windows of a prediction lie in memory on a CPU, declared by network from a measurement."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """What computes a network fastest on a CPU, as `benchmarks/layouts.py` measures it.

    It is declared, not probed when a prediction begins: both change the order of sums and so the last digits, and a
    probe may choose differently on a busy machine. Declared, the same prediction gives the same bytes.

    Attributes:
        channels_last: images and weights lie in memory as N x H x W x C.
        batch: windows that go through the network together.
    """

    channels_last: bool
    batch: int


DEFAULT = Layout(channels_last=True, batch=1)

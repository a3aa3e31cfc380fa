"""Whether this machine has a GPU."""

from functools import cache

import pynvml


@cache
def has_gpu() -> bool:
    """Return whether the NVIDIA driver finds a GPU on this machine; importing torch would take seconds."""
    try:
        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetCount() > 0
    except pynvml.NVMLError:  # no driver
        return False

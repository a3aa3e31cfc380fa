"""How many windows go through a network together."""

import logging
import time
from collections.abc import Callable

import torch

logger = logging.getLogger(__name__)

SIZES = (1, 2, 4, 8, 16, 32)
ROUNDS = 3


def fastest_batch(forward: Callable[[int], None]) -> int:
    """Return the batch with which most windows a second go through a network, of those that fit in memory.

    For GPUs, where the bytes of a result are not promised. On a CPU such a probe would break them: another batch sums
    in another order, and what is fastest depends on what else the machine does. There the batch is declared, see
    `img2height.methods.Layout`.

    Args:
        forward: puts so many windows through the network, and returns when that is done.
    """
    speeds: dict[int, float] = {}  # windows a second by batch
    for size in SIZES:
        try:
            forward(size)  # warms up: kernels are chosen, memory is fetched
            began = time.perf_counter()
            for _ in range(ROUNDS):
                forward(size)
        except torch.OutOfMemoryError:
            if not speeds:
                raise
            break
        speeds[size] = ROUNDS * size / (time.perf_counter() - began)
    torch.cuda.empty_cache()
    best = max(speeds, key=speeds.__getitem__)
    logger.info("batch of %d windows: %.0f windows/s; %s", best, speeds[best], speeds)
    return best

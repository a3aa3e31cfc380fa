"""Several predictions of the same window from a network with dropout: their mean and their spread."""

import numpy as np
import torch
from torch import Tensor, nn

from img2height.errors import ModelError


@torch.inference_mode()
def mean_and_spread(network: nn.Module, inputs: dict[str, Tensor], *, draws: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of the heights, each B x 1 x H x W float32, normalised.

    Dropout stays active, batch normalisation keeps its running statistics. Draw k drops the same units in every window:
    the result does not depend on which windows share a batch, and the draws of neighbouring windows fit together.
    The draws of a generator stand for its noise (Isola et al. 2017, https://arxiv.org/abs/1611.07004); those of any
    other network approximate its uncertainty (Gal and Ghahramani 2016, https://arxiv.org/abs/1506.02142).

    Args:
        network: in evaluation mode, in which it is left.
        inputs: normalised, by layer, B x C x H x W.
        draws: number of predictions, at least 2.
        seed: of the draws.

    Raises:
        ModelError: the network has no dropout, or a single draw was requested.
    """
    noise = [module for module in network.modules() if isinstance(module, nn.Dropout) and module.p > 0]
    if not noise or draws < 2:
        raise ModelError(
            f"a spread needs a network with dropout and at least 2 draws, found {len(noise)} dropout layers and "
            f"{draws} draws; predict without it, or use a method like cgan or eigen"
        )
    for module in noise:
        module.train()
    try:
        windows = [
            {layer: x[b : b + 1] for layer, x in inputs.items()} for b in range(len(next(iter(inputs.values()))))
        ]
        heights = [[_draw(network, window, seed, k) for k in range(draws)] for window in windows]  # B x draws
    finally:
        for module in noise:
            module.eval()
    drawn = torch.stack([torch.cat(of_window) for of_window in heights]).double()  # B x draws x 1 x H x W
    return drawn.mean(1).float(), drawn.std(1).float()


def _draw(network: nn.Module, window: dict[str, Tensor], seed: int, k: int) -> Tensor:
    """Return the heights of draw k of one window, 1 x 1 x H x W."""
    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.SeedSequence([seed, k]).generate_state(1)[0]))
        return network(window)["height"]

"""Optimisers and learning-rate schedules of the recipes; schedules are fractions of the budget."""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.optim import Optimizer

from img2height.settings.optimisation import Optimizer as OptimizerSettings
from img2height.settings.optimisation import Schedule

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "nadam": torch.optim.NAdam,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
ROUNDING = 1e-9  # of a stretch: 0.3 / 0.1 is slightly less than 3


def build_optimizer(network: nn.Module, settings: OptimizerSettings) -> Optimizer:
    """Return the recipe's optimiser over the trainable parameters."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    return OPTIMIZERS[settings.name](parameters, lr=settings.lr, **settings.options.model_dump())


def schedule_factor(settings: Schedule, total_steps: int) -> Callable[[int], float]:
    """Return the factor on the learning rate as a function of the step: linear warm-up, then the named schedule."""
    warmup_steps = settings.warmup * total_steps

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        if settings.name == "constant":
            return 1.0
        if settings.name == "poly":
            return max(1 - step / total_steps, 0.0) ** settings.power
        if settings.name == "step":
            return settings.gamma ** int(step / (settings.step * total_steps) + ROUNDING)
        progress = (step - warmup_steps) / max(total_steps - warmup_steps, 1)
        return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))

    return factor

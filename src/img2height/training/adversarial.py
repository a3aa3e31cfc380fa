"""Adversarial training: the network is trained together with a discriminator, which prediction does not use.

Isola et al. (2017), https://arxiv.org/abs/1611.07004.
"""

from typing import Any

import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import binary_cross_entropy_with_logits

from img2height.errors import SettingsError
from img2height.methods._layout import arrange
from img2height.methods._patchgan import build_discriminator
from img2height.samples.normalise import Normalisation
from img2height.settings.recipe import Discriminator, Recipe
from img2height.training.dataset import Batch
from img2height.training.module import HeightModule
from img2height.training.optimisation import build_optimizer


class AdversarialModule(HeightModule):
    """Trains a network on its recipe's losses and on the loss from a discriminator.

    Both learn from the same batch and the same weights, in one step: the network's gradient passes through the
    unchanged discriminator. One step thus remains one step for the budget, the schedule, the seed and a resume.

    Args:
        network: the method's network, whose heights are judged.
        recipe: its recipe.
        normalisation: turns its heights into metres.
        total_steps: optimiser steps of the whole budget.
        seed: as in `HeightModule`.
        settings: of the discriminator.

    Raises:
        SettingsError: the discriminator has no such option.
    """

    def __init__(
        self, network: nn.Module, recipe: Recipe, normalisation: Normalisation, total_steps: int, seed: int,
        settings: Discriminator,
    ):  # fmt: skip
        super().__init__(network, recipe, normalisation, total_steps, seed)
        self.settings = settings
        options: dict[str, Any] = settings.options  # checked by the call
        channels = sum(len(bands) for bands in recipe.inputs.values()) + 1
        try:
            discriminator = build_discriminator(channels, **options)
        except TypeError as error:
            raise SettingsError(f"the discriminator cannot be built with {options}: {error}") from error
        self.discriminator = arrange(discriminator, torch.channels_last)

    def loss(self, outputs: dict[str, Tensor], batch: Batch) -> Tensor:
        """Return the recipe's loss plus the losses of both adversaries."""
        return super().loss(outputs, batch) + self.adversarial_loss(outputs["height"].float(), batch)

    def adversarial_loss(self, height: Tensor, batch: Batch) -> Tensor:
        """Return the generator's adversarial loss plus the discriminator's loss.

        The first has a gradient for the network only, the second for the discriminator only. Missing heights are 0 in
        both the real and the predicted map, so that they do not reveal which is which.

        Args:
            height: the network's normalised heights, B x 1 x H x W.
            batch: inputs, reference heights and their validity.
        """
        fake, real = (torch.where(batch["valid"], h, 0.0) for h in (height, batch["height"]))
        frozen = {name: weight.detach() for name, weight in self.discriminator.named_parameters()}
        found_out = functional_call(self.discriminator, frozen, (self._seen(batch, fake),))
        on_real = self.discriminator(self._seen(batch, real))
        on_fake = self.discriminator(self._seen(batch, fake.detach()))
        return self.settings.weight * _verdict(found_out, 1.0) + _verdict(on_real, 1.0) + _verdict(on_fake, 0.0)

    def _seen(self, batch: Batch, height: Tensor) -> Tensor:
        """Return image and height as one map, B x (C + 1) x H x W."""
        layers = [batch["inputs"][layer] for layer in self.recipe.inputs]
        return torch.cat([*layers, height], dim=1).contiguous(memory_format=torch.channels_last)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return one optimiser with the parameters of both, each with its own rate and options, and the schedule."""
        optimizer = build_optimizer(self.network, self.recipe.optimizer)
        optimizer.add_param_group(build_optimizer(self.discriminator, self.settings.optimizer).param_groups[0])
        return self._scheduled(optimizer)


def _verdict(logits: Tensor, truth: float) -> Tensor:
    """Return the mean cross-entropy of the patches' logits against one class for all."""
    return binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, truth, dtype=torch.float32))

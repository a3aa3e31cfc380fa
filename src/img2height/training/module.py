"""One method as a Lightning module: the step, the validation in metres, the optimiser."""

from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import Optimizer

from img2height.errors import TrainingError
from img2height.methods._layout import arrange
from img2height.samples.normalise import Normalisation
from img2height.settings.recipe import Loss, Recipe
from img2height.training.dataset import Batch
from img2height.training.losses import CLASS_LOSSES, LOSSES
from img2height.training.optimisation import build_optimizer, schedule_factor
from img2height.training.validation import ValidationSums
from img2height.vocabulary.outputs import AUXILIARY

CHECK_STEPS = 50  # steps between two checks of the losses: each makes the host wait for the device
AUXILIARY_WEIGHT = 0.4  # PSPNet, https://arxiv.org/abs/1612.01105


class HeightModule(lightning.LightningModule):
    """Trains a network on normalised heights and validates it in metres.

    Args:
        network: the method's network.
        recipe: its recipe.
        normalisation: turns its heights into metres.
        total_steps: optimiser steps of the whole budget.
        seed: with step and device it seeds everything random in a step, so that a resumed training is identical.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, normalisation: Normalisation, total_steps: int, seed: int):
        super().__init__()
        self.network = arrange(network, torch.channels_last)
        self.recipe = recipe
        self.normalisation = normalisation
        self.total_steps = total_steps
        self.seed = seed
        self.train_losses: list[Tensor] = []  # since the last validation
        self.validation = ValidationSums(recipe)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the network's outputs."""
        return self.network({layer: x.contiguous(memory_format=torch.channels_last) for layer, x in inputs.items()})

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed the step."""
        entropy = [self.seed, self.global_step, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the recipe's loss of one batch."""
        loss = self.loss(self(batch["inputs"]), batch)
        self.train_losses.append(loss.detach())
        if len(self.train_losses) % CHECK_STEPS == 0:
            self.require_finite()
        return loss

    def require_finite(self) -> None:
        """Raise a TrainingError if a loss since the last validation is not finite."""
        losses = torch.stack(self.train_losses).cpu()
        if not (finite := torch.isfinite(losses)).all():
            bad = int(finite.logical_not().nonzero()[0])
            raise TrainingError(
                f"the loss is {losses[bad].item()} at step {self.global_step - len(losses) + bad}; lower optimizer.lr "
                "in the method file, set optimizer.gradient_clip, or look for outliers in the reference heights"
            )

    def loss(self, outputs: dict[str, Tensor], batch: Batch) -> Tensor:
        """Return the weighted terms of the recipe, in float32 for any precision of the network.

        Outputs of auxiliary heads (`aux_height`, `aux_footprint`) count too, weighted by `AUXILIARY_WEIGHT`.
        """
        heads = [("", 1.0), (AUXILIARY, AUXILIARY_WEIGHT)]
        return torch.stack(
            [
                weight * self._term(term, outputs, prefix, batch)
                for prefix, weight in heads
                for term in self.recipe.loss
                if not prefix or prefix + term.output in outputs
            ]
        ).sum()

    def _term(self, term: Loss, outputs: dict[str, Tensor], prefix: str, batch: Batch) -> Tensor:
        """Return one weighted term; in metres the offset is in both heights and cancels."""
        predicted = outputs[prefix + term.output].float()
        if term.name in CLASS_LOSSES:
            mask, mapped = batch["classes"][term.output], batch["mapped"][term.output]
            return term.weight * CLASS_LOSSES[term.name](predicted, mask, mapped)
        unit = batch["scale_m"] if term.unit == "metre" else 1.0
        return term.weight * LOSSES[term.name](predicted * unit, batch["height"] * unit, batch["valid"])

    def _device_mean_losses(self) -> Tensor:
        """Return the loss of each step since the last validation, float64, averaged over the devices."""
        losses = torch.stack(self.train_losses).double()
        gathered = self.all_gather(losses)
        assert isinstance(gathered, Tensor)  # as what is gathered
        return gathered.reshape(-1, len(losses)).mean(dim=0)  # one row per device

    def mean_train_loss(self) -> float:
        """Return the mean loss since the last call, NaN without steps."""
        if not self.train_losses:
            return float("nan")
        self.require_finite()
        mean = self._device_mean_losses().mean().item()
        self.train_losses.clear()
        return mean

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the losses of an unfinished stretch; a state that is not finite is never saved."""
        if self.train_losses:
            self.require_finite()
            checkpoint["train_losses"] = self._device_mean_losses()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the losses of an unfinished stretch."""
        self.train_losses = list(checkpoint.get("train_losses", ()))

    def on_validation_epoch_start(self) -> None:
        """Start the sums of one validation."""
        self.validation = ValidationSums(self.recipe)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add the sums of one batch."""
        self.validation.add(self(batch["inputs"]), batch)

    def on_validation_epoch_end(self) -> None:
        """Log the scores of one validation, which are the same on all devices."""
        for name, score in self.validation.scores().items():
            self.log(name, score, prog_bar=name != "val_mae_m", sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return the recipe's optimiser and its schedule."""
        return self._scheduled(build_optimizer(self.network, self.recipe.optimizer))

    def _scheduled(self, optimizer: Optimizer) -> OptimizerLRSchedulerConfig:
        """Return an optimiser with the recipe's schedule, stepped once per batch."""
        factor = schedule_factor(self.recipe.schedule, self.total_steps)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

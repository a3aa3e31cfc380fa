"""One method as a Lightning module: the step, the validation in metres, the optimiser."""

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from img2height.errors import TrainingError
from img2height.samples.normalise import Normalisation, clip_heights
from img2height.settings_recipe import Loss, Recipe
from img2height.training.losses import LOSSES
from img2height.training.optimisation import build_optimizer, schedule_factor

Batch = dict[str, Tensor | dict[str, Tensor]]


class HeightModule(lightning.LightningModule):
    """Trains a network on normalised heights and validates it in metres.

    Args:
        network: the method's network.
        recipe: its recipe.
        normalisation: turns its heights into metres.
        total_steps: optimiser steps of the whole budget.
        seed: with the step it seeds all that is random in a step, so that a resumed training is the same training.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, normalisation: Normalisation, total_steps: int, seed: int):
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe = recipe
        self.normalisation = normalisation
        self.total_steps = total_steps
        self.seed = seed
        self.train_losses: list[Tensor] = []
        self.val_sums = torch.zeros(3, dtype=torch.float64)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the network's outputs."""
        return self.network({layer: x.contiguous(memory_format=torch.channels_last) for layer, x in inputs.items()})

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed the step."""
        torch.manual_seed(int(np.random.SeedSequence([self.seed, self.global_step]).generate_state(1)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the recipe's loss of one batch, in float32 whatever the network computed in."""
        height = self(batch["inputs"])["height"].float()
        loss = torch.stack([self._term(term, height, batch) for term in self.recipe.loss]).sum()
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.global_step}; lower optimizer.lr in the method file, "
                "set optimizer.gradient_clip, or look for outliers in the reference heights"
            )
        self.train_losses.append(loss.detach())
        return loss

    def _term(self, term: Loss, height: Tensor, batch: Batch) -> Tensor:
        """Return one weighted term of the loss; in metres the offset is in both heights and falls out."""
        unit = self.normalisation.scale_m if term.unit == "metre" else 1.0
        return term.weight * LOSSES[term.name](height * unit, batch["height"] * unit, batch["valid"])

    def mean_train_loss(self) -> float:
        """Return the mean loss since the last call."""
        mean = torch.stack(self.train_losses).mean().item() if self.train_losses else float("nan")
        self.train_losses.clear()
        return mean

    def on_validation_epoch_start(self) -> None:
        """Start the sums of one validation."""
        self.val_sums = torch.zeros(3, dtype=torch.float64)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add pixels, absolute and squared errors in metres of one batch."""
        height = self(batch["inputs"])["height"].float()
        offset_m = batch["offset_m"]
        heights_m, reference_m = (
            self.normalisation.to_metres(h, offset_m)[batch["valid"]] for h in (height, batch["height"])
        )
        error_m = (clip_heights(heights_m, self.recipe.target) - reference_m).double().cpu()
        self.val_sums += torch.stack(
            [torch.tensor(float(error_m.numel())), error_m.abs().sum(), error_m.square().sum()]
        )

    def on_validation_epoch_end(self) -> None:
        """Log MAE and RMSE in metres over all validation pixels."""
        sums = self.all_gather(self.val_sums).reshape(-1, 3).sum(0)  # one row a process
        mean_abs, mean_square = (sums[1:] / sums[0].clamp(min=1)).tolist()
        self.log("val_mae_m", mean_abs, sync_dist=True)
        self.log("val_rmse_m", mean_square**0.5, prog_bar=True, sync_dist=True)

    def configure_optimizers(self) -> dict:
        """Return the recipe's optimiser and its schedule, stepped once a batch."""
        optimizer = build_optimizer(self.network, self.recipe.optimizer)
        factor = schedule_factor(self.recipe.schedule, self.total_steps)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

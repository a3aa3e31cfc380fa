"""The scores of a validation: sums over all its pixels, in metres."""

from collections.abc import Mapping

import torch
from torch import Tensor

from img2height.samples.normalise import clip_heights
from img2height.settings.recipe import Recipe
from img2height.training.dataset import Batch
from img2height.vocabulary.outputs import FOOTPRINT, HEIGHT

SCORES = ["val_mae_m", "val_rmse_m", "val_footprint_error"]
NAN = float("nan")


class ValidationSums:
    """Sums over one validation: pixels, absolute and squared errors in metres, and TP, FP, FN of footprints.

    Args:
        recipe: recipe of the method.
    """

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.sums = torch.zeros(6, dtype=torch.float64)

    def add(self, outputs: Mapping[str, Tensor], batch: Batch) -> None:
        """Add one batch.

        Args:
            outputs: outputs of the network.
            batch: its samples.
        """
        if HEIGHT in self.recipe.outputs:
            scale_m, offset_m, valid = batch["scale_m"], batch["offset_m"], batch["valid"]
            heights_m, reference_m = (
                (h * scale_m + offset_m)[valid] for h in (outputs[HEIGHT].float(), batch["height"])
            )
            error_m = (clip_heights(heights_m, self.recipe.target) - reference_m).double().cpu()
            self.sums[:3] += torch.stack(
                [torch.tensor(float(error_m.numel())), error_m.abs().sum(), error_m.square().sum()]
            )
        if FOOTPRINT in self.recipe.outputs:
            found = outputs[FOOTPRINT].argmax(dim=1, keepdim=True) == 1
            building, mapped = batch["classes"][FOOTPRINT], batch["mapped"][FOOTPRINT]
            counts = [(f & mapped).sum() for f in (found & building, found & ~building, ~found & building)]
            self.sums[3:] += torch.stack(counts).double().cpu()

    def scores(self) -> dict[str, float]:
        """Return MAE and RMSE in metres, and 1 - Dice for methods with footprints; NaN where nothing counts."""
        pixels, absolute, square, hit, false, missed = self.sums.tolist()
        scores = {
            "val_mae_m": absolute / pixels if pixels else NAN,
            "val_rmse_m": (square / pixels) ** 0.5 if pixels else NAN,
        }
        if FOOTPRINT in self.recipe.outputs:
            total = 2 * hit + false + missed
            scores["val_footprint_error"] = (false + missed) / total if total else NAN
        return scores


def scores_of(metrics: Mapping[str, Tensor]) -> list[float]:
    """Return the scores of a validation in the order of `SCORES`, NaN if the method has no such output."""
    return [metrics[name].item() if name in metrics else NAN for name in SCORES]

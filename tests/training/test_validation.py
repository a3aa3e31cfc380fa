"""Scores of a validation, by hand."""

import math

import pytest
import torch

from img2height.methods import recipes_folder
from img2height.settings.project import load_recipe
from img2height.training.validation import ValidationSums

FOOTPRINTS = {"outputs": ["footprint"], "select": "footprint_error", "loss": [{"name": "cross_entropy"}]}


def test_heights_are_scored_in_metres_wherever_a_patch_lies():
    """Two patches at 100 and 2000 m, 2 and 3 m too high; one pixel of the second is missing."""
    valid = torch.ones(2, 1, 2, 2, dtype=torch.bool)
    valid[1, 0, 0, 0] = False
    error = torch.tensor([0.5, 0.75]).reshape(2, 1, 1, 1)
    batch = {
        "height": torch.rand(2, 1, 2, 2, generator=torch.Generator().manual_seed(0)), "valid": valid,
        "offset_m": torch.tensor([100.0, 2000.0]).reshape(2, 1, 1, 1), "scale_m": torch.full((2, 1, 1, 1), 4.0),
    }  # fmt: skip
    sums = ValidationSums(load_recipe(recipes_folder(), "resdepth_0"))
    sums.add({"height": batch["height"] + error}, batch)
    assert sums.scores() == pytest.approx({"val_mae_m": 17 / 7, "val_rmse_m": math.sqrt(43 / 7)}, rel=1e-4)


def test_footprints_are_scored_where_they_are_mapped():
    answer, building = (torch.tensor(v).reshape(1, 1, 2, 2) for v in ([1.0, 1, 0, 0], [True, False, True, False]))
    outputs = {"footprint": torch.cat([torch.zeros_like(answer), 20 * answer - 10], dim=1)}
    sums = ValidationSums(load_recipe(recipes_folder(), "unet", FOOTPRINTS))
    sums.add(outputs, {"classes": {"footprint": building}, "mapped": {"footprint": torch.ones_like(building)}})
    assert sums.scores()["val_footprint_error"] == 1 / 2  # TP, FP, FN: 1, 1, 1
    sums.add(outputs, {"classes": {"footprint": building}, "mapped": {"footprint": building}})
    assert sums.scores()["val_footprint_error"] == pytest.approx(3 / 7)  # 2, 1, 2
    assert math.isnan(sums.scores()["val_rmse_m"])  # no height was seen

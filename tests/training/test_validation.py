"""Scores of a validation, by hand, and validations without a score."""

import math

import numpy as np
import pytest
import torch
from conftest import areas_of, grid_tiles
from tile_cases import GRID

from img2height.errors import TrainingError
from img2height.io.rasters import Band, height_band, write_cog
from img2height.methods import recipes_folder
from img2height.models.folder import load_model
from img2height.scenes.scene import Scene, SceneLayer
from img2height.settings.project import load_recipe
from img2height.settings.protocol import Precision, Training
from img2height.training.run import TrainingJob, train
from img2height.training.validation import ValidationSums
from img2height.vocabulary.layers import NODATA

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


def test_footprints_are_not_perfect_where_none_is_mapped_or_predicted():
    nowhere = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    sums = ValidationSums(load_recipe(recipes_folder(), "unet", FOOTPRINTS))
    sums.add(
        {"footprint": torch.zeros(1, 2, 2, 2)}, {"classes": {"footprint": nowhere}, "mapped": {"footprint": ~nowhere}}
    )
    assert math.isnan(sums.scores()["val_footprint_error"])


EAST = np.s_[:, 16:]  # the validation tiles


def job_of(folder, method: str, changes: dict | None = None, **lacking: np.ndarray) -> TrainingJob:
    """Return a job that trains in the west of a small scene and validates in its east; some layers lack pixels."""
    rng = np.random.default_rng(0)
    eo, ndsm, building = rng.integers(0, 255, GRID.shape, np.uint8), rng.random(GRID.shape, np.float32), np.eye(32)
    building = np.where(lacking.get("building", False), 0, building).astype(np.uint8)
    ndsm[lacking.get("ndsm", np.zeros(GRID.shape, bool))] = np.nan
    write_cog(folder / "eo.tif", eo, GRID, [Band("red")], valid=~lacking.get("eo", np.zeros(GRID.shape, bool)))
    write_cog(folder / "ndsm.tif", ndsm, GRID, [height_band("ndsm")], nodata=NODATA)
    write_cog(folder / "building.tif", building, GRID, [Band("building")], nodata=255, categorical=True)
    bands = {"eo": ["red"], "ndsm": ["ndsm"], "building": ["building"]}
    layers = {name: SceneLayer.of(folder / f"{name}.tif", names) for name, names in bands.items()}
    scene = Scene(folder, "d", "s", GRID, layers)
    tiles = grid_tiles(scene, 16, "train")
    tiles.loc[tiles["col_off"] >= 16, "part"] = "val"
    recipe = load_recipe(recipes_folder(), method, {"inputs": {"eo": ["red"]}, **(changes or {})})
    exact = Precision(cpu="32-true", gpu="32-true")
    budget = Training(samples=2, validate_every=2, patience=9, val_tiles=2, threads=1, precision=exact)
    samples = tiles[tiles["part"] == "train"].assign(transform=0)
    return TrainingJob(method, recipe, budget, 0, 0, samples, tiles, [scene], areas_of(tiles))


def masked(rows_and_columns) -> np.ndarray:
    """Return a mask of the scene that is true in a part of it."""
    mask = np.zeros(GRID.shape, bool)
    mask[rows_and_columns] = True
    return mask


UPPER, LOWER = masked(np.s_[:16, 16:]), masked(np.s_[16:, 16:])


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ({"eo": masked(EAST)}, "fold 0: layer eo has no valid pixel in its validation tiles"),
        ({"ndsm": masked(EAST)}, "fold 0: layer ndsm has no valid pixel"),
        ({"eo": UPPER, "ndsm": LOWER}, "fold 0: layers eo, ndsm are nowhere valid together"),
    ],
)
def test_a_validation_without_a_pixel_to_score_is_refused_before_the_training(tmp_path, lacking, said):
    with pytest.raises(TrainingError, match=said):
        train(job_of(tmp_path, "mean_height", **lacking), tmp_path / "model", tmp_path / "scratch", workers=0)
    train(job_of(tmp_path, "mean_height", eo=UPPER), tmp_path / "model", tmp_path / "scratch", workers=0)
    assert load_model(tmp_path / "model").card.best["val_rmse_m"] > 0


def test_weights_are_not_chosen_by_footprints_where_no_building_is_mapped(tmp_path):
    job = job_of(tmp_path, "fusionheightnet_a1", {"batch_size": 2}, building=masked(EAST))
    with pytest.raises(TrainingError, match="layer building has no building in its validation tiles"):
        train(job, tmp_path / "model", tmp_path / "scratch", workers=0)


def test_scores_that_are_no_number_end_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr("img2height.training.untrained.scores_of", lambda metrics: [math.nan] * 3)
    with pytest.raises(TrainingError, match="mean_height, fold 0, seed 0: val_rmse_m is not a number"):
        train(job_of(tmp_path, "mean_height"), tmp_path / "model", tmp_path / "scratch", workers=0)

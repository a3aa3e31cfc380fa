"""Trainings of a method with optional inputs that the training scenes lack."""

from dataclasses import replace

import pandas
import pytest
from conftest import areas_of, grid_tiles

from img2height.methods import recipes_folder
from img2height.models.folder import load_model
from img2height.scenes.scene import Scene
from img2height.settings.project import load_recipe
from img2height.settings.protocol import Precision, Training
from img2height.training.run import TrainingJob, train
from img2height.training.start import start_of

TINY = {"options": {"weights": "none", "light": 4, "skip": 4, "width": 32}, "batch_size": 2}
BUDGET = Training(
    samples=4, validate_every=4, patience=9, val_tiles=2, threads=1, precision=Precision(cpu="32-true", gpu="32-true")
)


def only(district: Scene, name: str, *inputs: str) -> Scene:
    """Return the district with some of its input layers."""
    kept = {*inputs, "dsm", "dtm", "ndsm", "building"}
    return replace(district, name=name, layers={n: layer for n, layer in district.layers.items() if n in kept})


def job_of(trained: Scene, validated: Scene, **changes) -> TrainingJob:
    """Return a job that trains on the first tiles of a scene and validates on those of another."""
    recipe = load_recipe(recipes_folder(), "omniheight", {**TINY, **changes})
    tiles = pandas.concat([grid_tiles(trained, 64, "train")[:4], grid_tiles(validated, 64, "val")], ignore_index=True)
    samples = tiles[:4].assign(transform=0, without="", first=0, second=0)
    return TrainingJob("omniheight", recipe, BUDGET, 0, 0, samples, tiles, [trained, validated], areas_of(tiles))


@pytest.fixture(scope="module")
def without_radar(district, tmp_path_factory):
    """Return the folder of a model whose training scene has no radar, but whose validation scene has."""
    folder = tmp_path_factory.mktemp("optional")
    job = job_of(only(district, "plain", "eo"), only(district, "radar", "eo", "sar", "dsm_initial"))
    train(job, folder / "model", folder / "scratch", workers=0)
    return folder / "model"


def test_an_input_that_no_training_scene_has_is_ignored_in_validation(without_radar):
    card = load_model(without_radar).card
    assert (list(card.inputs), list(card.dtypes), list(card.normalisation.image)) == (["eo"],) * 3


def test_a_model_does_not_learn_an_input_that_its_start_ignored(district, without_radar, tmp_path):
    radar = only(district, "radar", "eo", "sar")
    job = job_of(radar, radar, init_from=str(without_radar))
    assert "sar" in start_of(job).unused
    train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    assert list(load_model(tmp_path / "model").card.inputs) == ["eo"]

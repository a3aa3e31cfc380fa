"""Real trainings, small: same bytes for any number of workers and after a kill."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pandas
import pytest
import shapely
import torch
from conftest import areas_of, grid_tiles

from img2height.errors import TrainingError
from img2height.methods import recipes_folder
from img2height.models.folder import load_model
from img2height.samples.plan import plan_samples
from img2height.scenes.scene import Scene
from img2height.settings.project import load_recipe
from img2height.settings.protocol import Precision, Training
from img2height.settings.recipe import Augmentation, Recipe, Sampling
from img2height.training.module import HeightModule
from img2height.training.outcome import COLUMNS
from img2height.training.run import TrainingJob, train

SIZE_PX = 64
SMALL_UNET = {"options": {"encoder": "tu-resnet10t", "depth": 3, "width": 16}, "batch_size": 4}
AREAS = geopandas.GeoDataFrame({"dataset": ["demo"], "scene": ["district"]}, geometry=[shapely.box(0, 0, 192, 256)])


def recipe(name: str, changes: dict | None = None) -> Recipe:
    return load_recipe(recipes_folder(), name, changes)


def job_of(district: Scene, method: str, recipe: Recipe, *, samples: int, stretch: int) -> TrainingJob:
    tiles = grid_tiles(district, SIZE_PX, "train")
    tiles.loc[tiles["col_off"] >= 192, "part"] = "val"
    training = Training(
        samples=samples, validate_every=stretch, patience=99, val_tiles=4, threads=1,
        precision=Precision(cpu="32-true", gpu="32-true"),
    )  # fmt: skip
    samples = plan_samples(
        tiles[tiles["part"] == "train"], AREAS, samples=training.samples, seed=0, symmetries=range(8),
        augmentation=Augmentation(jitter=True), sampling=Sampling(),
    )  # fmt: skip
    return TrainingJob(method, recipe, training, 0, 0, samples, tiles, [district], areas_of(tiles))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def uninterrupted(district: Scene, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingJob, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("training")
    job = job_of(district, "unet", recipe("unet", SMALL_UNET), samples=30, stretch=12)
    train(job, folder / "model", folder / "scratch", workers=0)
    assert not (folder / "scratch").exists()
    return job, contents(folder / "model")


def test_the_model_folder_is_complete(uninterrupted: tuple[TrainingJob, dict[str, bytes]], tmp_path: Path) -> None:
    _, files = uninterrupted
    assert sorted(files) == ["card.json", "history.csv", "last.safetensors", "model.safetensors"]
    for name, value in files.items():
        (tmp_path / name).write_bytes(value)
    card = load_model(tmp_path).card
    history = pandas.read_csv(tmp_path / "history.csv")
    assert list(history.columns) == COLUMNS
    assert list(history["samples"]) == [12, 24, 30]
    assert card.best["val_rmse_m"] == pytest.approx(history["val_rmse_m"].min())
    assert card.dtypes == {"eo": "uint8"}
    assert card.gsd_m == 0.5


def test_workers_change_no_byte(uninterrupted: tuple[TrainingJob, dict[str, bytes]], tmp_path: Path) -> None:
    job, files = uninterrupted
    train(job, tmp_path / "model", tmp_path / "scratch", workers=2)
    assert contents(tmp_path / "model") == files


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_bytes_twice(district: Scene, tmp_path: Path) -> None:
    job = job_of(district, "unet", recipe("unet", SMALL_UNET), samples=30, stretch=12)
    job = replace(job, training=job.training.model_copy(update={"deterministic": True}))
    for name in ("first", "second"):
        train(job, tmp_path / name, tmp_path / "scratch")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


@pytest.mark.parametrize("killed_at", [4, 7])
def test_a_killed_training_resumes_to_the_same_bytes(
    uninterrupted: tuple[TrainingJob, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    job, files = uninterrupted
    steps = []
    step = HeightModule.training_step

    def dying_step(module: HeightModule, batch: dict, batch_idx: int) -> object:
        steps.append(module.global_step)
        if module.global_step == killed_at:
            raise KeyboardInterrupt
        return step(module, batch, batch_idx)

    with monkeypatch.context() as patched, pytest.raises((KeyboardInterrupt, SystemExit)):
        patched.setattr(HeightModule, "training_step", dying_step)
        train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    assert not (tmp_path / "model").exists()
    steps.clear()
    monkeypatch.setattr(HeightModule, "training_step", lambda m, b, i: (steps.append(m.global_step), step(m, b, i))[1])
    train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    assert steps[0] == (killed_at // 3) * 3, "it resumes at the last validation, not at the start"
    assert contents(tmp_path / "model") == files


def test_another_budget_is_not_resumed(uninterrupted: tuple[TrainingJob, dict[str, bytes]]) -> None:
    job, _ = uninterrupted
    longer = replace(job, training=job.training.model_copy(update={"samples": 99}))
    assert longer.digest() != job.digest()


def test_a_diverging_loss_is_a_clear_error(district: Scene, tmp_path: Path) -> None:
    changes = {**SMALL_UNET, "optimizer": {"name": "sgd", "lr": 10}, "loss": [{"name": "l2", "weight": 1e6}]}
    job = job_of(district, "unet", recipe("unet", changes), samples=24, stretch=12)
    with pytest.raises(TrainingError, match=r"lower optimizer\.lr"):
        train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    assert not (tmp_path / "model").exists()


def test_no_validation_tile_is_a_clear_error(district: Scene, tmp_path: Path) -> None:
    job = job_of(district, "unet", recipe("unet", SMALL_UNET), samples=24, stretch=12)
    with pytest.raises(TrainingError, match="no validation tile"):
        train(replace(job, tiles=job.part("train")), tmp_path / "model", tmp_path / "scratch")


@pytest.mark.parametrize(("method", "expected_m"), [("zero_height", 0.0), ("mean_height", None)])
def test_baselines_predict_what_their_names_say(
    district: Scene, tmp_path: Path, method: str, expected_m: float
) -> None:
    job = job_of(district, method, recipe(method), samples=8, stretch=4)
    train(job, tmp_path / "model", tmp_path / "scratch")
    trained, validated = (
        np.stack([job.reader().read(row).heights_m for row in tiles.to_dict("records")])
        for tiles in (job.part("train"), job.validation_tiles())
    )
    model = load_model(tmp_path / "model")
    expected_m = trained.mean() if expected_m is None else expected_m
    assert model.normalisation.to_metres(0.0, model.normalisation.offset_m) == pytest.approx(expected_m, abs=1e-4)
    assert model.card.trainable_parameters == model.card.best["step"] == 0
    rmse_m = np.sqrt(np.square(validated - expected_m).mean(dtype=np.float64))
    assert model.card.best["val_rmse_m"] == pytest.approx(rmse_m, rel=1e-5)


def test_baselines_do_not_import_lightning():
    code = "import sys, img2height.training.run; sys.exit('lightning' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

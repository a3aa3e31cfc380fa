"""Long runs of the whole workflow: same bytes on any number of cores, folds, resumption."""

import json
import os
import signal
import subprocess
from pathlib import Path

import geopandas
import numpy as np
import pandas
import psutil
import pytest
from polling import wait_for
from workflow_tree import Tree

from img2height.io.rasters import open_raster, read_heights
from img2height.scenes.scene import Scene

pytestmark = pytest.mark.slow
STOPS_BEFORE_ITS_SECOND_STEP = (  # not in the package: a training that was begun by other code is not resumed
    "scripts/train.py",
    "    train(job,",
    """\
    import os, signal
    from img2height.training.module import HeightModule
    step = HeightModule.training_step
    def stopping(module, batch, batch_idx):
        if module.global_step == 1:
            os.kill(os.getpid(), signal.SIGSTOP)
        return step(module, batch, batch_idx)
    HeightModule.training_step = stopping
    train(job,""",
)
DISTRICTS = ["east", "west", "south"]


def test_cores_change_no_byte(tree, tmp_path):
    other = Tree(tmp_path)
    other.make("--cores", "1")
    assert other.digests() == tree.digests()


def heights(path: Path) -> np.ndarray:
    with open_raster(path) as raster:
        return read_heights(raster)


def test_folds_are_mosaicked(tmp_path):
    """Also if a surface model is refined: each stripe by the model of the fold that was not trained on it."""
    tree = Tree(tmp_path, "stripes")
    tree.make("--cores", "2")
    for method in ("unet", "resdepth_0", "resdepth_mono"):
        folder = tmp_path / "results/stripes" / method
        first, third, both = (heights(folder / part / "seed0/south/height.tif") for part in ("fold0", "fold2", "oof"))
        assert not (np.isfinite(first) & np.isfinite(third)).any()
        np.testing.assert_array_equal(both, np.where(np.isfinite(first), first, third))
        assert np.isfinite(both).any(axis=0).tolist() == [True] * 64 + [False] * 64 + [True] * 64
    residuals = heights(folder / "oof/seed0/south/residuals.tif")
    np.testing.assert_array_equal(np.isfinite(residuals), np.isfinite(both))
    seen = np.stack([heights(folder / f"fold2/seed0/south/height_pair{pair}.tif") for pair in (1, 3)])
    np.testing.assert_allclose(third, seen.mean(axis=0), rtol=1e-6)
    assert tree.planned() == {}


def test_each_district_is_left_out_once(tmp_path):
    """A scene is predicted by the one model that was not trained on it, and is missing in the other folds."""
    tree = Tree(tmp_path, "districts")
    tree.make("--cores", "2", "--config", "experiment=tiny", "--", "scenes")  # the areas are drawn around them
    grids = {name: Scene.load(tmp_path / f"data/scenes/tiny/{name}/scene.json").grid for name in DISTRICTS}
    outlines = [grid.to_map(grid.extent) for grid in grids.values()]
    frame = geopandas.GeoDataFrame({"name": DISTRICTS}, geometry=outlines, crs=grids["east"].crs)
    (tmp_path / "data/raw/tiny").mkdir(parents=True, exist_ok=True)
    frame.to_file(tmp_path / "data/raw/tiny/districts.gpkg")
    tree.make("--cores", "2")
    for fold, tested in enumerate(DISTRICTS):
        folder = tmp_path / f"results/districts/unet/fold{fold}/seed0"
        for name in DISTRICTS:
            valid = np.isfinite(heights(folder / name / "height.tif"))
            assert valid.all() if name == tested else not valid.any()
    scores = json.loads((tmp_path / "results/districts/unet/oof/seed0/scores.json").read_text())
    assert scores["scenes"] == [f"tiny/{name}" for name in DISTRICTS]
    assert tree.planned() == {}


def test_several_datasets_train_on_their_own_pairs(tmp_path):
    """The second method starts from the model of the first, which is made before it."""
    tree = Tree(tmp_path, "roles")
    tree.make("--cores", "2")
    for method in ("resdepth_stereo", "resdepth_stereo_generalized"):
        samples = pandas.read_parquet(tmp_path / f"data/samples/roles/{method}/fold0/seed0/samples.parquet")
        pairs = {
            scene: set(zip(rows["first"], rows["second"], strict=True)) for scene, rows in samples.groupby("scene")
        }
        own = {"east": {(1, 2), (2, 3), (3, 4)}, "north": {(3, 1), (2, 3)}}
        either = {scene: used | {pair[::-1] for pair in used} for scene, used in own.items()}
        wanted = either if method.endswith("generalized") else own
        assert pairs.keys() == wanted.keys()
        assert all(pairs[scene] <= wanted[scene] for scene in wanted)
        assert any(pairs[scene] - own[scene] for scene in own) == method.endswith("generalized")
        harbour = tmp_path / f"results/roles/{method}/oof/seed0/harbour"
        seen = np.stack([heights(harbour / f"height_pair{pair}.tif") for pair in (2, 3)])
        np.testing.assert_allclose(heights(harbour / "height.tif"), seen.mean(axis=0), rtol=1e-6)
    cards = [
        json.loads((tmp_path / f"models/roles/{method}/fold0/seed0/card.json").read_text())
        for method in ("resdepth_stereo", "resdepth_stereo_generalized")
    ]
    assert cards[1]["recipe"]["init_from"] == "models/roles/resdepth_stereo/fold0/seed0"
    assert cards[0]["normalisation"] == cards[1]["normalisation"]
    assert tree.planned() == {}


def stopped_below(run: subprocess.Popen) -> bool:
    """Return whether a process that a run has started is stopped."""
    children = psutil.Process(run.pid).children(recursive=True)
    return any(child.is_running() and child.status() == psutil.STATUS_STOPPED for child in children)


def test_a_killed_training_resumes(tree, tmp_path):
    killed = Tree(tmp_path)
    command = ["snakemake", "--cores", "2", "models/tiny/unet/fold0/seed0/model.safetensors"]
    with (tmp_path / "first.log").open("w") as log, killed.edited(*STOPS_BEFORE_ITS_SECOND_STEP):
        run = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
        wait_for(lambda: stopped_below(run), run, (tmp_path / "first.log").read_text)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert not (tmp_path / "models/tiny/unet/fold0/seed0/model.safetensors").exists()
    killed.make("--unlock")
    killed.make(*command[1:])
    assert "resuming from" in (tmp_path / "logs/train/tiny/unet/fold0_seed0.log").read_text()
    made = killed.digests()
    assert made == {name: tree.digests()[name] for name in made}


def test_two_devices_share_each_batch(tree, tmp_path):
    """Two processes take the steps that one takes, on the same samples; only the order of sums differs."""
    model = "models/tiny/unet/fold0/seed0"
    shared = Tree(tmp_path)
    shared.make(
        "--cores", "2", "--resources", "gpu=2", "--set-resources", "train:gpu=2", "--", f"{model}/model.safetensors"
    )
    one, two = (np.genfromtxt(t.folder / model / "history.csv", delimiter=",", names=True) for t in (tree, shared))
    assert two["step"].tolist() == one["step"].tolist()
    assert two["samples"].tolist() == one["samples"].tolist()

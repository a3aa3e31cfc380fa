"""Long runs of the whole workflow: same bytes on any number of cores, folds, resumption."""

import os
import signal
import subprocess
import time

import numpy as np
import pytest
from workflow_tree import Tree

from img2height.rasters import open_raster, read_heights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Tree:
    done = Tree(tmp_path_factory.mktemp("tree"))
    done.make("--cores", "2")
    return done


def test_cores_change_no_byte(tree, tmp_path):
    other = Tree(tmp_path)
    other.make("--cores", "1")
    assert other.digests() == tree.digests()


def test_the_snakemake_report_is_written(tree):
    tree.make("--report", "snakemake_report.html")
    assert "scores.csv" in (tree.folder / "snakemake_report.html").read_text()


def test_folds_are_mosaicked(tmp_path):
    tree = Tree(tmp_path, "stripes")
    tree.make("--cores", "2")

    def heights(fold: str) -> np.ndarray:
        with open_raster(tmp_path / f"results/stripes/unet/{fold}/seed0/south/height.tif") as raster:
            return read_heights(raster)

    first, third, both = (heights(fold) for fold in ("fold0", "fold2", "oof"))
    assert not (np.isfinite(first) & np.isfinite(third)).any()
    np.testing.assert_array_equal(both, np.where(np.isfinite(first), first, third))
    assert np.isfinite(both).any(axis=0).tolist() == [True] * 64 + [False] * 64 + [True] * 64


def test_a_killed_training_goes_on(tree, tmp_path):
    killed = Tree(tmp_path)
    command = ["snakemake", "--cores", "2", "models/tiny/unet/fold0/seed0/model.safetensors"]
    with (tmp_path / "first.log").open("w") as log:
        run = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
        while run.poll() is None and not list(tmp_path.glob("scratch/training/**/last.ckpt")):
            time.sleep(0.02)
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

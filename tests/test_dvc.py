"""DVC on a finished run of the tiny experiment: what it records, and what it runs again."""

import json
import shutil

import pytest
from dvc.repo import Repo
from workflow_tree import METRICS, stages_of

DATASET = "config/test/datasets/tiny.yaml"
EXPERIMENT = "config/test/experiments/tiny.yaml"
ALL = {"scenes", "folds", "models", "results"}
# By change: the stages that read it themselves.
READ_BY = {
    (DATASET, "seed: 11", "seed: 21"): {"scenes"},
    ("config/test/experiments/stripes.yaml", "title: ", "title: New "): {"scenes"},  # this one might start from it
    (EXPERIMENT, "title: ", "title: New "): ALL,
    ("params.yaml", "min_valid_share: 0.5", "min_valid_share: 0.4"): {"folds", "results"},
    ("params.yaml", "buffer_m: null", "buffer_m: 39.0"): {"folds", "results"},
    ("params.yaml", "patience: 10", "patience: 9"): {"models", "results"},
    ("params.yaml", "overlap: 0.25", "overlap: 0.5"): {"models", "results"},
    ("params.yaml", "min_area_m2: 20.0", "min_area_m2: 12.0"): {"results"},
    ("params.yaml", "instance_iou: 0.5", "instance_iou: 0.4"): {"results"},
    ("config/methods/unet.yaml", "lr: 2.0e-3", "lr: 1.0e-3"): {"models", "results"},
    ("scripts/report.py", "", "# A remark.\n"): ALL,
    ("src/img2height/methods/unet.py", "", "# A remark.\n"): ALL,
}


@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # in DVC's graph
def test_dvc_runs_and_records(tree, tmp_path):
    tree = tree.copied(tmp_path)
    tree.run("git", "init", "--quiet")
    made = tree.logged()
    first = tree.run("dvc", "repro")
    assert first.returncode == 0, first.stdout[-4000:]
    assert set(stages_of(first.stdout)) == ALL
    assert tree.ran_since(made) == {"published_table"}  # which `snakemake` alone does not make; all else is recorded
    assert tree.run("dvc", "status", "--quiet").returncode == 0
    assert tree.planned() == {}
    for change, stages in READ_BY.items():
        with tree.edited(*change), Repo(tree.folder) as repo:
            assert ({name.rpartition(":")[2] for name in repo.status()}, change) == (stages, change)

    # As after a clone and `dvc pull`: no metadata, times without order; then what `make pulled` does.
    shutil.rmtree(tree.folder / ".snakemake")
    for name in sorted(tree.digests(), reverse=True):
        (tree.folder / name).touch()
    assert tree.planned() != {}
    assert tree.run("dvc", "status", "--quiet").returncode == 0
    tree.make("--touch", "--forceall", "--cores", "1")
    assert tree.planned() == {}
    with tree.edited(DATASET, "seed: 11", "seed: 21"):
        assert tree.planned()["prepare_scene"] == 1

    tree.run("git", "add", "--all")
    tree.run("git", "-c", "user.name=tests", "-c", "user.email=tests", "commit", "--quiet", "--message", "A run")
    before, scores = tree.digests(), tree.numbers()
    with tree.edited("params.yaml", "min_area_m2: 20.0", "min_area_m2: 0.0"):
        second = tree.run("dvc", "repro")
        assert second.returncode == 0, second.stdout[-4000:]
        for stage in ("scenes", "folds", "models"):
            assert f"Stage '{stage}' didn't change, skipping" in second.stdout
        assert "Job stats" in second.stdout
        differences = json.loads(tree.run("dvc", "metrics", "diff", "--all", "--json").stdout)[METRICS]
        assert tree.planned() == {}
    now = tree.numbers()
    assert {name: (differences[name]["old"], differences[name]["new"]) for name in scores} == {
        name: (value, now[name]) for name, value in scores.items()
    }
    assert now != scores
    changed = {name for name, digest in tree.digests().items() if before.get(name) != digest}
    assert changed
    assert not [name for name in changed if not name.startswith("results/") or name.endswith("height.tif")]

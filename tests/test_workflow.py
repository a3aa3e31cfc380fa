"""The whole workflow, run for real on tiny districts in a copy of the checkout."""

import shutil

import pytest
from workflow_tree import Tree

from img2height.provenance import verify

METHODS = ("im2height", "unet", "mean_height")
AFTER_PREDICT = {"extract_buildings": 3, "evaluate": 3, "collect_metrics": 1, "report": 1}
AFTER_TRAIN = {"predict": 3, "stitch": 3, **AFTER_PREDICT}
AFTER_FOLDS = {"augment_samples": 3, "train": 3, **AFTER_TRAIN}
EXPERIMENT = "config/test/experiments/tiny.yaml"


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Tree:
    done = Tree(tmp_path_factory.mktemp("tree"))
    done.make("--cores", "2")
    return done


def test_a_run_makes_all_files(tree):
    made = set(tree.digests())
    for scene in ("east", "west", "south"):
        layers = ("scene.json", "eo.tif", "dsm.tif", "dtm.tif", "ndsm.tif", "building.tif", "buildings.parquet")
        assert {f"data/scenes/tiny/{scene}/{layer}" for layer in layers} <= made
        assert f"data/tiles/tiny/{scene}.parquet" in made
    assert {f"data/folds/tiny/{name}" for name in ("folds.parquet", "areas.parquet", "audit.json", "folds.png")} <= made
    for method in METHODS:
        results = f"results/tiny/{method}"
        model = ("model.safetensors", "card.json", "history.csv")
        maps = ("height.tif", "footprint.tif")
        assert {f"data/samples/tiny/{method}/fold0/seed0/{n}" for n in ("samples.parquet", "contact.png")} <= made
        assert {f"models/tiny/{method}/fold0/seed0/{name}" for name in model} <= made
        assert {f"{results}/fold0/seed0/south/{name}" for name in maps} <= made
        polygons = ("buildings.parquet", "buildings.gpkg", "buildings.city.json")
        assert {f"{results}/oof/seed0/south/{name}" for name in (*maps, *polygons)} <= made
    assert {f"results/tiny/{name}" for name in ("metrics.json", "report.html", "tables/scores.csv")} <= made


def test_each_job_leaves_a_log_and_its_times(tree):
    for rule in ("make_city", "prepare_scene", "index_tiles", "split_folds", "train", "predict", "stitch", "report"):
        assert list((tree.folder / "logs" / rule).rglob("*.log"))
        assert list((tree.folder / "logs/benchmarks" / rule).rglob("*.tsv"))


def test_scratch_is_empty_afterwards(tree):
    assert [path for path in (tree.folder / "scratch").rglob("*") if path.is_file()] == []


def test_folders_verify_until_they_are_altered(tree):
    folders = ["data/scenes/tiny/south", "models/tiny/unet/fold0/seed0"]
    assert [verify(tree.folder / folder) for folder in folders] == [[], []]


def test_a_second_run_has_nothing_to_do(tree):
    assert "Nothing to be done" in tree.make("--cores", "2")


@pytest.mark.parametrize(
    ("key", "old", "new", "jobs"),
    [
        ("buildings.min_area_m2", "min_area_m2: 20.0", "min_area_m2: 12.0", AFTER_PREDICT),
        ("metrics.instance_iou", "instance_iou: 0.5", "instance_iou: 0.4", {**AFTER_PREDICT, "extract_buildings": 0}),
        ("inference.overlap", "overlap: 0.5", "overlap: 0.25", AFTER_TRAIN),
        ("training.patience", "patience: 10", "patience: 9", AFTER_FOLDS),
        ("split.buffer_m", "buffer_m: 40.0", "buffer_m: 39.0", {"split_folds": 1, "audit_folds": 1, **AFTER_FOLDS}),
    ],
)
def test_a_changed_key_runs_only_what_depends_on_it(tree, key, old, new, jobs):
    with tree.edited("params.yaml", old, new):
        assert tree.planned() == {rule: count for rule, count in jobs.items() if count}


def test_an_edited_method_runs_alone(tree):
    with tree.edited("src/img2height/methods/unet.py", "", "\nUNUSED = 1\n"):
        jobs = {
            "train": 1,
            "predict": 1,
            "stitch": 1,
            "extract_buildings": 1,
            "evaluate": 1,
            "collect_metrics": 1,
            "report": 1,
        }
        assert tree.planned() == jobs


def test_an_edited_module_is_seen_through_others(tree):
    with tree.edited("src/img2height/buildings/polygons.py", "", "\nUNUSED = 1\n"):
        assert tree.planned() == {**AFTER_PREDICT}


def test_a_comment_runs_nothing(tree):
    with tree.edited("src/img2height/methods/unet.py", "", "\n# A remark.\n"):
        assert tree.planned() == {}


def test_notes_of_a_recipe_run_the_report_alone(tree):
    with tree.edited("config/methods/unet.yaml", "network: unet", "notes: A remark.\nnetwork: unet"):
        assert tree.planned() == {"report": 1}


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("config/config.yaml", "experiment: tiny", "experiment: tinny", "did you mean 'tiny'?"),
        ("config/config.yaml", "", "cores: 4\n", "'cores' is unknown"),
        (EXPERIMENT, "samples: 16", "sample: 16", "unknown key training.sample"),
        (EXPERIMENT, "unet", "unett", "did you mean 'unet'?"),
        (EXPERIMENT, "south: test", "norh: test", "no scene 'norh'"),
        (EXPERIMENT, "south: test", "south: tset", "south"),
        (EXPERIMENT, "methods:", "folds: [1]\nmethods:", "folds [1] do not exist"),
        (EXPERIMENT, "tile_px: 64", "tile_px: 60", "tile_px"),
        ("config/test/datasets/tiny.yaml", "licence:", "license:", "licence"),
        ("config/test/datasets/tiny.yaml", "    city: {seed: 11, size_px: 192}\n", "", "data/raw/tiny/east/eo.tif"),
    ],
)
def test_a_mistake_is_one_clear_line(tree, file, old, new, said):
    with tree.edited(file, old, new):
        done = tree.run("snakemake", "-n")
    assert done.returncode != 0
    errors = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert done.stdout.rstrip().endswith(errors[0])
    assert "Traceback" not in done.stdout


def test_a_failed_job_shows_its_log(tree):
    with tree.edited(EXPERIMENT, "tile_px: 64, stride_px: 32", "tile_px: 256, stride_px: 32"):
        done = tree.run("snakemake", "--cores", "1", "folds")
    assert done.returncode != 0
    assert "error: " in done.stdout
    assert "logs/split_folds/tiny.log" in done.stdout


def test_dvc_runs_and_certifies(tree):
    tree.run("dvc", "config", "--local", "core.no_scm", "true")
    first = tree.run("dvc", "repro")
    assert first.returncode == 0, first.stdout[-4000:]
    assert tree.run("dvc", "status", "--quiet").returncode == 0
    assert tree.planned() == {}

    # As after a clone and `dvc pull`: no metadata, times without order; then what `make pulled` does.
    shutil.rmtree(tree.folder / ".snakemake")
    for name in sorted(tree.digests(), reverse=True):
        (tree.folder / name).touch()
    assert tree.planned() != {}
    assert tree.run("dvc", "status", "--quiet").returncode == 0
    tree.make("--touch", "--cores", "1")
    assert tree.planned() == {}

    before = tree.digests()
    with tree.edited("params.yaml", "min_area_m2: 20.0", "min_area_m2: 0.0"):
        second = tree.run("dvc", "repro")
        assert second.returncode == 0, second.stdout[-4000:]
        for stage in ("scenes", "folds", "models"):
            assert f"Stage '{stage}' didn't change, skipping" in second.stdout
        assert "Job stats" in second.stdout
        assert tree.planned() == {}
    changed = {name for name, digest in tree.digests().items() if before.get(name) != digest}
    assert changed
    assert not [name for name in changed if not name.startswith("results/") or name.endswith("height.tif")]

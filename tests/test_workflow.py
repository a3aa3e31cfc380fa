"""The whole workflow, run for real on tiny districts in a copy of the checkout."""

import json
import shlex
import shutil

import numpy as np
import pandas
import pytest
from steps import TABLE
from workflow_tree import METRICS, Tree

from img2height.io.rasters import open_raster
from img2height.provenance.verify import verify

METHODS = ("unet", "mean_height", "resdepth_stereo", "initial_dsm")
STEREO = "results/tiny/resdepth_stereo/oof/seed0"
PAIRS = ("1", "3")  # that the tiny districts are tested with
AFTER_PREDICT = {"extract_buildings": 4, "evaluate": 4, "collect_metrics": 1, "report": 1}
AFTER_TRAIN = {"predict": 5, "merge_pairs": 1, "residuals": 2, **AFTER_PREDICT}
AFTER_FOLDS = {"augment_samples": 4, "audit_coverage": 4, "train": 4, "audit_statistics": 1, **AFTER_TRAIN}
REFINED = {"predict": 2, "merge_pairs": 1, "residuals": 1}
ONE_METHOD = {
    "train": 1,
    "audit_statistics": 1,
    "extract_buildings": 1,
    "evaluate": 1,
    "collect_metrics": 1,
    "report": 1,
}
IDLE = ("make_land", "predict_footprints", "published_table", "published_figure")  # no work in this experiment
EXPERIMENT = "config/test/experiments/tiny.yaml"
DATASET = "config/test/datasets/tiny.yaml"
PAIR = "pairs: [{first: 1, second: 2, use: [test]}]"
VIEWS = "views: [{path: east/v1.tif}, {path: east/v2.tif}]"
REFERENCE = "dsm: {path: east/s.tif}, dtm: {path: east/t.tif}"
DELIVERED = (
    f"{{layers: {{eo: {{path: east/eo.tif}}, dsm_initial: {{path: east/d.tif}}, {REFERENCE}, {VIEWS}}}, "
    "pairs: [{first: 1, second: 2}]}"
)


def test_a_run_makes_all_files(tree):
    made = set(tree.digests())
    for scene in ("east", "west", "south"):
        layers = ("scene.json", "eo.tif", "dsm.tif", "dtm.tif", "ndsm.tif", "building.tif", "buildings.parquet")
        sensors = ("sar.tif", "dsm_initial.tif", "dsm_filled.tif", *(f"view_{n}.tif" for n in range(1, 5)), "pairs.csv")
        assert {f"data/scenes/tiny/{scene}/{layer}" for layer in (*layers, *sensors)} <= made
        assert f"data/tiles/tiny/tiny/{scene}.parquet" in made
    assert {
        f"data/folds/tiny/{name}"
        for name in ("folds.parquet", "areas.parquet", "folds.gpkg", "audit.json", "folds.png")
    } <= made
    for method in METHODS:
        results = f"results/tiny/{method}"
        model = ("model.safetensors", "card.json", "history.csv")
        maps = ("height.tif", "footprint.tif")
        seen = [f"height_pair{pair}.tif" for pair in PAIRS] if method == "resdepth_stereo" else []
        assert {f"data/samples/tiny/{method}/fold0/seed0/{n}" for n in ("samples.parquet", "contact.png")} <= made
        assert {f"models/tiny/{method}/fold0/seed0/{name}" for name in model} <= made
        assert {f"{results}/fold0/seed0/south/{name}" for name in (*maps, *seen)} <= made
        polygons = ("buildings.parquet", "buildings.gpkg", "buildings.city.json")
        assert {f"{results}/oof/seed0/south/{name}" for name in (*maps, *polygons)} <= made
    assert {f"results/tiny/{name}" for name in ("metrics.json", "report.html", "tables/scores.csv")} <= made


def band(tree: Tree, name: str, number: int = 1) -> np.ndarray:
    """Return a band of a raster, NaN where unknown."""
    with open_raster(tree.folder / name) as raster:
        return raster.read(number, masked=True).astype(np.float32).filled(np.nan)


def test_the_height_of_a_stereo_method_is_the_median_of_its_pairs(tree):
    made = [name for name in tree.digests() if name.startswith(f"{STEREO}/south/height")]
    pairs = [f"{STEREO}/south/height_pair{pair}.tif" for pair in PAIRS]
    assert made == [f"{STEREO}/south/height.tif", *pairs]
    first, second = (band(tree, name) for name in pairs)
    assert not np.array_equal(first, second)
    merged = band(tree, made[0])
    np.testing.assert_allclose(merged, (first + second) / 2, rtol=1e-6)
    np.testing.assert_array_equal(band(tree, "results/tiny/resdepth_stereo/fold0/seed0/south/height.tif"), merged)


@pytest.mark.parametrize("method", ["resdepth_stereo", "initial_dsm"])
def test_residuals_are_the_errors_before_and_after(tree, method):
    results = f"results/tiny/{method}/oof/seed0/south"
    truth, initial = (band(tree, f"data/scenes/tiny/south/{name}.tif") for name in ("dsm", "dsm_initial"))
    for number, surface in ((1, initial), (2, band(tree, f"{results}/height.tif"))):
        np.testing.assert_array_equal(band(tree, f"{results}/residuals.tif", number), surface - truth)
    with open_raster(tree.folder / results / "residuals.tif") as raster:
        assert (raster.descriptions, raster.units) == (("before", "after"), ("metre", "metre"))
    if method == "initial_dsm":
        np.testing.assert_allclose(band(tree, f"{results}/height.tif"), initial, rtol=1e-6)


def test_each_pair_is_scored_and_all_of_them_together(tree):
    scores = json.loads((tree.folder / STEREO / "scores.json").read_text())
    truth = band(tree, "data/scenes/tiny/south/dsm.tif")
    errors = [np.abs(band(tree, f"{STEREO}/south/height_pair{pair}.tif") - truth) for pair in PAIRS]
    assert tuple(scores["pairs"]) == PAIRS
    for pair, error in zip(PAIRS, errors, strict=True):
        assert scores["pairs"][pair]["all"]["mae_m"] == pytest.approx(error.mean(), rel=1e-3)
    assert scores["pooled"]["all"]["mae_m"] == pytest.approx(np.mean(errors), rel=1e-3)
    assert scores["pooled"]["all"]["pixels"] == 2 * scores["all"]["pixels"]
    for method in ("unet", "initial_dsm"):
        text = (tree.folder / f"results/tiny/{method}/oof/seed0/scores.json").read_text()
        assert {"pairs", "pooled"}.isdisjoint(json.loads(text))


def test_samples_name_the_views_of_training_pairs(tree):
    table = pandas.read_parquet(tree.folder / "data/samples/tiny/resdepth_stereo/fold0/seed0/samples.parquet")
    pairs = set(zip(table["first"], table["second"], strict=True))
    assert pairs <= {(1, 2), (2, 3), (3, 4)} and len(pairs) > 1
    assert set(table["scene"]) == {"east"}


def test_each_job_leaves_its_times_and_a_log_that_begins_with_its_command(tree):
    for step in TABLE:
        if step.rule not in IDLE:
            assert list((tree.folder / step.benchmarks).rglob("*.tsv")), step.rule
            logs = list((tree.folder / "logs" / step.rule).rglob("*.log"))
            assert logs, step.rule
            for log in logs:
                first = log.read_text().splitlines()[0]
                assert shlex.split(first)[1] == f"scripts/{step.program}.py"
                assert len(first) < 2000


@pytest.mark.parametrize(("log", "made"), [("evaluate/tiny/unet/seed0", "results/tiny/unet/oof/seed0/scores.json")])
def test_the_command_of_a_log_runs_the_step_by_hand(tree, log, made):
    command = (tree.folder / f"logs/{log}.log").read_text().splitlines()[0]
    before, written = (tree.folder / made).read_bytes(), (tree.folder / made).stat().st_mtime_ns
    done = tree.run("bash", "-c", command)
    assert done.returncode == 0, done.stdout
    assert (tree.folder / made).read_bytes() == before
    assert (tree.folder / made).stat().st_mtime_ns > written


def test_the_log_of_a_training_has_one_line_a_validation(tree):
    lines = (tree.folder / "logs/train/tiny/unet/fold0_seed0.log").read_text().splitlines()
    assert ["step 1 of 2: train_loss" in line for line in lines] == [False, True, False]
    assert ["step 2 of 2: train_loss" in line for line in lines] == [False, False, True]


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
        (
            "metrics.allow_missing",
            "allow_missing: false",
            "allow_missing: true",
            {**AFTER_PREDICT, "extract_buildings": 0},
        ),
        ("metrics.instance_iou", "instance_iou: 0.5", "instance_iou: 0.4", {**AFTER_PREDICT, "extract_buildings": 0}),
        ("inference.overlap", "overlap: 0.25", "overlap: 0.5", AFTER_TRAIN),
        ("training.patience", "patience: 10", "patience: 9", {**AFTER_FOLDS, "audit_coverage": 0}),
        ("split.buffer_m", "buffer_m: null", "buffer_m: 39.0", {"split_folds": 1, "audit_folds": 1, **AFTER_FOLDS}),
    ],
)
def test_a_changed_key_runs_only_what_depends_on_it(tree, key, old, new, jobs):
    with tree.edited("params.yaml", old, new):
        assert tree.planned() == {rule: count for rule, count in jobs.items() if count}


def test_an_edited_method_runs_alone(tree):
    with tree.edited("src/img2height/methods/unet.py", "", "\nUNUSED = 1\n"):
        assert tree.planned() == {**ONE_METHOD, "predict": 1}


def test_a_model_that_differs_in_its_card_alone_predicts_again(tree):
    with tree.edited("models/tiny/mean_height/fold0/seed0/card.json", "", "\n"):
        planned = tree.planned()
    assert planned["predict"] == 1
    assert "train" not in planned


def test_weights_that_are_gone_are_trained_again(tree):
    weights = tree.folder / "models/tiny/mean_height/fold0/seed0/model.safetensors"
    hidden = weights.rename(weights.with_suffix(".hidden"))
    try:
        assert tree.planned()["train"] == 1
    finally:
        hidden.rename(weights)


def test_a_training_waits_for_the_model_that_it_starts_from(tree):
    own, other = "models/tiny/resdepth_stereo/fold0/seed0", "models/elsewhere"
    with tree.edited(EXPERIMENT, "batch_size: 4", f"init_from: {other}, batch_size: 4"):
        done = tree.run("snakemake", "-n")
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
        assert f"starts from a model that is not there: {other}/model.safetensors" in line
        shutil.copytree(tree.folder / own, tree.folder / other)
        assert tree.planned() == {**ONE_METHOD, **REFINED, "augment_samples": 1}
    shutil.rmtree(tree.folder / other)


def test_without_methods_that_look_at_views_no_pairs_are_merged(tree):
    with (
        tree.edited(EXPERIMENT, ", resdepth_stereo, initial_dsm", ""),
        tree.edited(EXPERIMENT, "recipes:\n  resdepth_stereo:", "#"),
    ):
        assert tree.planned() == {"audit_statistics": 1, "collect_metrics": 1, "report": 1}
        everything = tree.planned("--forceall")
    assert everything["predict"] == 2
    assert {"merge_pairs", "residuals"}.isdisjoint(everything)


def test_another_use_of_a_pair_reaches_its_scene_and_what_comes_of_it(tree):
    changed = "south: {pairs: [{first: 1, second: 2, use: [test]}, {first: 4, second: 1, use: [test]}], city"
    with tree.edited(DATASET, "south: {city", changed):
        jobs = tree.planned()
    made_of_scene = {"make_city": 1, "prepare_scene": 1, "index_tiles": 1, "list_scenes": 1}
    assert jobs == {**made_of_scene, "split_folds": 1, "audit_folds": 1, **AFTER_FOLDS}


def test_scenes_that_change_their_roles_are_listed_again(tree):
    with tree.edited(EXPERIMENT, "{east: train, west: val, south: test}", "{south: train, west: val, east: test}"):
        assert tree.planned()["list_scenes"] == 1


def test_an_edited_module_is_seen_through_others(tree):
    with tree.edited("src/img2height/buildings/polygons.py", "", "\nextract.edited = True\n"):
        assert tree.planned() == {**AFTER_PREDICT}


@pytest.mark.parametrize(
    ("file", "old", "new", "jobs"),
    [
        ("src/img2height/methods/unet.py", "", "\n# A remark.\n", {}),
        ("src/img2height/errors.py", '"""Base of every', '"""The base of every', {}),
        ("src/img2height/tiles/areas.py", "", "\n\ndef nobody_calls_this():\n    return 1\n", {}),
        ("src/img2height/inference/compute.py", '"Predicting"', '"Working"', AFTER_TRAIN),
        (
            "src/img2height/settings/protocol.py",
            "\n\nclass Params(",
            "    new_key: float = 1.0\n\n\nclass Params(",
            {"evaluate": 4, "collect_metrics": 1, "report": 1},
        ),
    ],
)
def test_an_edit_of_code_runs_only_what_it_changes(tree, file, old, new, jobs):
    with tree.edited(file, old, new):
        assert tree.planned() == jobs


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
        (DATASET, "licence:", "license:", "licence"),
        (DATASET, "{city: {seed: 11, size_px: 192, sar: {}, stereo: {}}}", DELIVERED, "data/raw/tiny/east/eo.tif"),
        (DATASET, "seed: 11, size_px: 192, sar: {}, stereo: {}", "seed: 11, size_px: 192", "looks at dsm_initial"),
        (DATASET, "west: {city", f"west: {{{PAIR}, city", "scene tiny/west has no pair for val"),
        (DATASET, "west: {city", f"west: {{{PAIR.replace('1', '9')}, city", "9 and 2 are no two of the 4 views"),
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


def test_a_scene_that_does_not_exist_is_named(tree):
    done = tree.run("snakemake", "-n", "results/tiny/unet/oof/seed0/souht/height.tif")
    assert done.returncode != 0
    assert done.stdout.rstrip().endswith("error: experiment tiny has no scene 'souht'; did you mean 'south'?")


def test_a_failed_job_shows_its_log(tree):
    with tree.edited(EXPERIMENT, "tile_px: 64, stride_px: 32", "tile_px: 256, stride_px: 32"):
        done = tree.run("snakemake", "--cores", "1", "folds")
    assert done.returncode != 0
    assert "    log: logs/split_folds/tiny.log\n" in done.stdout
    assert "    | error: fold 0 has no train tile" in done.stdout
    assert done.stdout.endswith("Failed: logs/split_folds/tiny.log\n")


def test_dvc_runs_and_certifies(tree):
    tree.run("git", "init", "--quiet")
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

"""The jobs that a finished run of the tiny experiment plans after a change, and how mistakes are reported."""

import shutil

import pytest

AFTER_PREDICT = {"extract_buildings": 4, "evaluate": 4, "collect_metrics": 1, "report": 1}
INTERVALS = {"calibrate_intervals": 4, "height_intervals": 4}
FAMILIARITY = {"find_familiarity": 4, "score_familiarity": 4}
AFTER_TRAIN = {"predict": 5, "merge_pairs": 1, "residuals": 2, **INTERVALS, **FAMILIARITY, **AFTER_PREDICT}
AFTER_NETWORK = {rule: count for rule, count in AFTER_TRAIN.items() if rule not in FAMILIARITY}
AUDITED = {"audit_statistics": 1, "describe_models": 1}
AFTER_FOLDS = {"augment_samples": 4, "audit_coverage": 4, "train": 4, **AUDITED, **AFTER_TRAIN}
REFINED = {"predict": 2, "merge_pairs": 1, "residuals": 1}
ONE_METHOD = {
    "train": 1,
    **AUDITED,
    "calibrate_intervals": 1,
    "height_intervals": 1,
    "find_familiarity": 1,
    "score_familiarity": 1,
    "extract_buildings": 1,
    "evaluate": 1,
    "collect_metrics": 1,
    "report": 1,
}
EXPERIMENT = "config/test/experiments/tiny.yaml"
DATASET = "config/test/datasets/tiny.yaml"
PAIR = "pairs: [{first: 1, second: 2, use: [test]}]"
VIEWS = "views: [{path: east/v1.tif}, {path: east/v2.tif}]"
OTHER_FOLD = "models/tiny/resdepth_stereo/fold1/seed0"
REFERENCE = "dsm: {path: east/s.tif}, dtm: {path: east/t.tif}"
SOUTH = "{city: {seed: 13, size_px: 192, sar: {}, stereo: {}}}"
DELIVERED = (
    f"{{layers: {{eo: {{path: east/eo.tif, bands: [pan]}}, dsm_initial: {{path: east/d.tif}}, {REFERENCE}, {VIEWS}}}, "
    "pairs: [{first: 1, second: 2}]}"
)
IN_COLOUR = DELIVERED.replace("pan", "red, green, blue")


def test_a_second_run_has_nothing_to_do(tree):
    assert tree.planned() == {}


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
        ("inference.overlap", "overlap: 0.25", "overlap: 0.5", AFTER_NETWORK),
        ("training.patience", "patience: 10", "patience: 9", {**AFTER_FOLDS, "audit_coverage": 0}),
        ("split.buffer_m", "buffer_m: null", "buffer_m: 39.0", {"split_folds": 1, "audit_folds": 1, **AFTER_FOLDS}),
    ],
)
def test_a_changed_key_runs_only_what_depends_on_it(tree, key, old, new, jobs):
    with tree.edited("params.yaml", old, new):
        assert tree.planned() == {rule: count for rule, count in jobs.items() if count}


def test_only_an_edited_method_runs(tree):
    with tree.edited("src/img2height/methods/unet.py", "", "\nUNUSED = 1\n"):
        assert tree.planned() == {**ONE_METHOD, "predict": 1}


def test_a_model_that_differs_only_in_its_card_predicts_again(tree):
    with tree.edited("models/tiny/mean_height/fold0/seed0/card.json", "", "\n"):
        planned = tree.planned()
    assert planned["predict"] == 1
    assert "train" not in planned


def test_deleted_weights_are_trained_again(tree):
    weights = tree.folder / "models/tiny/mean_height/fold0/seed0/model.safetensors"
    hidden = weights.rename(weights.with_suffix(".hidden"))
    try:
        assert tree.planned()["train"] == 1
    finally:
        hidden.rename(weights)


def test_failed_jobs_are_planned_again(tree, tmp_path):
    """Snakemake itself would have nothing to do: it records a failed job as done, and later files exist."""
    tree = tree.copied(tmp_path)
    with tree.edited("scripts/index_tiles.py", "", "\nraise SystemExit('error: the disk is full')\n"):
        assert tree.run("snakemake", "--cores", "1", "--keep-going").returncode != 0
        for target in ("tiles", "metrics", "all"):
            assert tree.planned(target)["index_tiles"] == 3
        assert tree.planned("scenes") == {}


def test_a_training_waits_for_the_model_that_it_starts_from(tree):
    own, other = "models/tiny/resdepth_stereo/fold0/seed0", "models/elsewhere"
    with tree.edited(EXPERIMENT, "batch_size: 4", f"init_from: {other}, batch_size: 4"):
        done = tree.run("snakemake", "-n")
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
        assert f"starts from a model that does not exist: {other}/model.safetensors" in line
        shutil.copytree(tree.folder / own, tree.folder / other)
        assert tree.planned() == {**ONE_METHOD, **REFINED, "augment_samples": 1, "audit_coverage": 1}
    shutil.rmtree(tree.folder / other)


def test_without_methods_that_use_views_no_pairs_are_merged(tree):
    with (
        tree.edited(EXPERIMENT, ", resdepth_stereo, initial_dsm", ""),
        tree.edited(EXPERIMENT, "recipes:\n  resdepth_stereo:", "#"),
    ):
        assert tree.planned() == {**AUDITED, "collect_metrics": 1, "report": 1}
        everything = tree.planned("--forceall")
    assert everything["predict"] == 2
    assert {"merge_pairs", "residuals"}.isdisjoint(everything)


def test_another_use_of_a_pair_reruns_its_scene_and_later_jobs(tree):
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
        jobs = tree.planned()
    assert jobs == {**INTERVALS, **FAMILIARITY, **AFTER_PREDICT}  # also extracts the buildings of a reference mask


@pytest.mark.parametrize(
    ("file", "old", "new", "jobs"),
    [
        ("src/img2height/methods/unet.py", "", "\n# A remark.\n", {}),
        ("src/img2height/errors.py", '"""Base of every', '"""The base of every', {}),
        ("src/img2height/tiles/areas.py", "", "\n\ndef nobody_calls_this():\n    return 1\n", {}),
        ("src/img2height/inference/compute.py", '"Predicting"', '"Working"', AFTER_NETWORK),
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


@pytest.mark.parametrize("key", ["title", "licence"])
def test_a_corrected_statement_about_the_data_trains_and_predicts_nothing(tree, key):
    with tree.edited(DATASET, f"\n{key}: ", f"\n{key}: corrected, "):
        assert tree.planned() == {"describe_dataset": 1, "describe_models": 1, **AFTER_PREDICT}


def test_notes_of_a_recipe_rerun_only_the_report(tree):
    with tree.edited("config/methods/unet.yaml", "network: unet", "notes: A remark.\nnetwork: unet"):
        assert tree.planned() == {"report": 1}


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("config/config.yaml", "experiment: tiny", "experiment: tinny", "did you mean 'tiny'?"),
        ("config/config.yaml", "", "cores: 4\n", "'cores' is missing or not a key"),
        (EXPERIMENT, "samples: 16", "sample: 16", "unknown key training.sample"),
        (EXPERIMENT, "unet", "unett", "did you mean 'unet'?"),
        (EXPERIMENT, "south: test", "norh: test", "no scene 'norh'"),
        (EXPERIMENT, "south: test", "south: tset", "south"),
        (EXPERIMENT, "methods:", "folds: [1]\nmethods:", "folds [1] do not exist"),
        (EXPERIMENT, "tile_px: 64", "tile_px: 60", "tile_px"),
        (EXPERIMENT, "batch_size: 4", f"init_from: {OTHER_FOLD}", f"fold 0 from {OTHER_FOLD}, which was trained"),
        (EXPERIMENT, "methods: [unet,", "methods: [unet, unet,", "'unet' is listed twice"),
        (EXPERIMENT, "methods:", "seeds: [1, 1]\nmethods:", "1 is listed twice"),
        (EXPERIMENT, "params:", "params:\n  buildings: {min_height_m: .nan}", "buildings.min_height_m: "),
        (EXPERIMENT, "batch_size: 4", "batch_size: 4, optimizer: {options: {eps: .inf}}", "optimizer.options.eps: "),
        (DATASET, "licence:", "license:", "licence"),
        (DATASET, "seed: 13, size_px: 192", "seed: 13, gsd_m: 1.0, size_px: 192", "tiny/south has pixels of 1 m, but"),
        (DATASET, SOUTH, DELIVERED, "of eo, but scene tiny/south has only pan"),
        (DATASET, SOUTH, IN_COLOUR.replace("dtm", "ndsm"), "scene tiny/south has no dtm"),
        (DATASET, "{city: {seed: 11, size_px: 192, sar: {}, stereo: {}}}", IN_COLOUR, "data/raw/tiny/east/eo.tif"),
        (DATASET, "seed: 11, size_px: 192, sar: {}, stereo: {}", "seed: 11, size_px: 192", "needs dsm_initial"),
        (DATASET, "west: {city", f"west: {{{PAIR}, city", "scene tiny/west has no pair for val"),
        (DATASET, "west: {city", f"west: {{{PAIR.replace('1', '9')}, city", "9 and 2 are not two of the 4 views"),
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


def test_a_failed_job_shows_its_log(tree, tmp_path):
    tree = tree.copied(tmp_path)
    with tree.edited(EXPERIMENT, "tile_px: 64, stride_px: 32", "tile_px: 256, stride_px: 32"):
        done = tree.run("snakemake", "--cores", "1", "folds")
    assert done.returncode != 0
    assert "    log: logs/split_folds/tiny.log\n" in done.stdout
    assert "    | error: fold 0 has no train tile" in done.stdout
    assert done.stdout.endswith("Failed: logs/split_folds/tiny.log\n")

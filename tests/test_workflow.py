"""The whole workflow, run for real on tiny districts in a copy of the checkout."""

import json
import shlex

import numpy as np
import pandas
import pytest
from steps import TABLE
from workflow_tree import Tree

from img2height.cli.verify import verify
from img2height.io.rasters import open_raster

METHODS = ("unet", "mean_height", "resdepth_stereo", "initial_dsm")
STEREO = "results/tiny/resdepth_stereo/oof/seed0"
PAIRS = ("1", "3")  # used for testing on the tiny districts
IDLE = (
    "make_land",
    "predict_footprints",
    "published_table",
    "published_figure",
    "view",
    "crate",
    "quality",
)  # without jobs in such a run


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
    """Return a band of a raster, NaN where missing."""
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


def test_each_job_writes_its_times_and_a_log_that_begins_with_its_command(tree):
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


def test_the_log_of_a_training_has_one_line_per_validation(tree):
    lines = (tree.folder / "logs/train/tiny/unet/fold0_seed0.log").read_text().splitlines()
    assert ["step 1 of 2: train_loss" in line for line in lines] == [False, True, False]
    assert ["step 2 of 2: train_loss" in line for line in lines] == [False, False, True]


def test_scratch_is_empty_afterwards(tree):
    assert [path for path in (tree.folder / "scratch").rglob("*") if path.is_file()] == []


def test_height_maps_say_what_made_them(tree):
    """By digests: of the weights, whose card has the rest, and of the layers that were read, as in their manifest."""
    layers = {name: item["sha256"] for name, item in manifest(tree, "south")["layers"].items()}
    settings = "window_px 64, overlap 0.25, batch_size None"
    read = {"unet": ["eo"], "resdepth_stereo": ["dsm_initial", *(f"view_{n}" for n in range(1, 5))]}
    for method, names in read.items():
        card = json.loads((tree.folder / f"models/tiny/{method}/fold0/seed0/card.json").read_text())
        for part in ("fold0", "oof"):
            with open_raster(tree.folder / f"results/tiny/{method}/{part}/seed0/south/height.tif") as raster:
                tags = {key.removeprefix("IMG2HEIGHT_"): text for key, text in raster.tags().items()}
            assert (tags["METHOD"], tags["MODEL_SHA256"]) == (method, card["weights_sha256"])
            assert (tags["SETTINGS"], tags["ENGINE"].split()[0]) == (settings, "exact")
            assert sorted(tags["INPUTS"].split(", ")) == sorted(f"{name} {layers[name]}" for name in names)


def test_cards_say_what_made_a_model(tree):
    """Layers by digest, settings, recipe, code, versions and seed; sources.json has the licences of the data."""
    for method in METHODS:
        folder = tree.folder / f"models/tiny/{method}/fold0/seed0"
        card, sources = (json.loads((folder / f"{name}.json").read_text()) for name in ("card", "sources"))
        for area in card["trained_on"]["areas"]:
            layers = {name: item["sha256"] for name, item in manifest(tree, area["scene"])["layers"].items()}
            assert area["layers"] and area["layers"].items() <= layers.items()
        assert card["recipe"]["network"] and card["training"]["samples"] == 16 and card["seed"] == 0
        assert len(card["code"]) == 16 and {"torch", "numpy"} <= card["versions"].keys()
        assert sources["datasets"]["tiny"]["licence"] == "CC0-1.0"


def manifest(tree: Tree, scene: str) -> dict:
    """Return the manifest of a scene."""
    return json.loads((tree.folder / f"data/scenes/tiny/{scene}/scene.json").read_text())


def test_folders_verify_until_they_are_altered(tree):
    folders = ["data/scenes/tiny/south", "models/tiny/unet/fold0/seed0"]
    assert [verify(tree.folder / folder) for folder in folders] == [[], []]

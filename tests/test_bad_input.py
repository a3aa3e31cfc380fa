"""The scripts as programs: bad input, a full disk or a kill give one clear line and leave no partial files."""

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import rasterio
from filelock import FileLock
from model_cases import card_of
from polling import PATIENCE_S
from raw_cases import SIDE, deliver, ramp, write
from script_steps import CHAIN, RECIPE, SCRIPTS, SMALL, Steps, files, small_disk

from img2height.errors import DataError, ModelError
from img2height.inference.tags import TAGS
from img2height.io import locks
from img2height.io.grid import Grid
from img2height.io.rasters import create_scratch, height_band, open_raster, set_tags
from img2height.io.tables import SEAL, read_geotable, read_json, write_geopackage, write_json, write_sealed, write_table
from img2height.methods import build_network
from img2height.models.folder import save_model
from img2height.samples.normalise import Normalisation
from img2height.vocabulary.layers import NODATA


def spoil_missing(raw: Path, layers: dict) -> None:
    (raw / "dsm.tif").unlink()


def spoil_unit(raw: Path, layers: dict) -> None:
    write(raw / "dsm.tif", (ramp() + 5) / 0.3048, nodata=-9999)


def spoil_crs(raw: Path, layers: dict) -> None:
    write(raw / "dsm.tif", ramp() + 5, crs="EPSG:32618", unit="metre")


def spoil_no_crs(raw: Path, layers: dict) -> None:
    write(raw / "dsm.tif", ramp() + 5, crs=None, unit="metre")


def spoil_reference(raw: Path, layers: dict) -> None:
    write(raw / "dsm.tif", np.full((SIDE, SIDE), -9999, np.float32), nodata=-9999, unit="metre")


def spoil_bytes(raw: Path, layers: dict) -> None:
    content = (raw / "dsm.tif").read_bytes()
    (raw / "dsm.tif").write_bytes(content[: len(content) // 2])


def spoil_bands(raw: Path, layers: dict) -> None:
    layers["eo"]["bands"] = ["red", "green"]


def spoil_key(raw: Path, layers: dict) -> None:
    layers["dsm"]["unti"] = "metre"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_missing, [r"dsm\.tif: this raster does not exist"]),
        (spoil_unit, [r"dsm\.tif: layer dsm has no unit", "unit: metre", "foot"]),
        (spoil_crs, [r"dsm\.tif: layer dsm covers", "do not overlap", "EPSG:32618"]),
        (spoil_no_crs, [r"dsm\.tif, layer dsm: has no coordinate reference system"]),
        (spoil_reference, [r"dsm\.tif: layer dsm has no valid pixel", "nodata"]),
        (spoil_bytes, [r"raw/dsm\.tif: cannot be read", "copy it again"]),
        (spoil_bands, [r"eo\.tif: the image has 3 bands, named: red, green"]),
        (spoil_key, [r"scene\.yaml", "unti", "did you mean 'unit'"]),
    ],
)
def test_a_bad_delivery_is_refused_and_no_scene_appears(program, tmp_path, spoil, words):
    steps = Steps(tmp_path / "made")
    layers = deliver(tmp_path / "made/raw")
    spoil(tmp_path / "made/raw", layers)
    program("prepare_scene", steps.prepare_scene(tmp_path / "out", layers)).refused(*words)
    assert files(tmp_path / "out") == []


def test_settings_that_cannot_be_read_are_named(program, steps, tmp_path):
    flags = steps.describe_dataset(tmp_path)
    steps.settings("about", {}).write_text("title")
    program("describe_dataset", flags).refused(r"about\.yaml: must be a mapping of keys, found str")
    flags = steps.train(tmp_path)
    steps.settings("recipe", {}).write_text("{")
    program("train", flags).refused(r"recipe\.yaml: is not valid YAML")
    recipe = RECIPE | {"optimizer": {"name": "adam", "rl": 1}}
    program("train", steps.train(tmp_path, recipe=recipe)).refused(r"recipe\.yaml", "rl", "did you mean 'lr'")
    assert files(tmp_path) == []


def test_a_part_smaller_than_a_tile_names_the_largest_tile(program, steps, tmp_path):
    assert program("index_tiles", steps.index_tiles(tmp_path, tile_px=32, stride_px=16)).status == 0
    out = tmp_path / "out"
    flags = steps.split_folds(out, tile_px=32, tiles=tmp_path / "tiles")
    program("split_folds", flags).refused("fold 0 has no train tile", "32 px", "largest that fits everywhere is 16 px")
    assert files(out) == []


def test_a_reference_without_a_tile_makes_no_fold(program, steps, tmp_path):
    write_table(read_geotable(steps.made / "tiles/d/s.parquet").head(0), tmp_path / "tiles/d/s.parquet")
    flags = steps.split_folds(tmp_path / "out", tiles=tmp_path / "tiles")
    program("split_folds", flags).refused("fold 0 has no train tile", "min_valid_share")
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("split_folds", "fold 7 does not exist"),
        ("augment_samples", "no training tile"),
        ("train", "fold 7 has no training tile"),
    ],
)
def test_a_fold_without_a_tile_is_refused(program, steps, tmp_path, script, words):
    program(script, getattr(steps, script)(tmp_path, fold=7)).refused(words)
    assert files(tmp_path) == []


def test_a_network_that_does_not_exist_is_named(program, steps, tmp_path):
    flags = steps.train(tmp_path, recipe=RECIPE | {"network": "unett"})
    program("train", flags).refused("no network 'unett'; .*use one of .*im2height.*unet")
    assert files(tmp_path) == []


def of_another_scene(steps: Steps, script: str, out: Path, scene: Path) -> list:
    """Return the flags of a script with another scene, named by itself or in the list of scenes beside its folder."""
    listing = scene.parent.with_suffix(".json")
    write_json([{"manifest": str(scene), "role": "split", "sha256": ""}], listing)
    others = {steps.scene: scene, steps.listing: listing, steps.made / "scenes": scene.parent}
    return [others.get(flag, flag) for flag in getattr(steps, script)(out)]


WITHOUT_SCENES = ("prepare_scene", "describe_dataset", "describe_models")


@pytest.mark.parametrize("script", [name for name in CHAIN if name not in WITHOUT_SCENES])
def test_a_missing_scene_is_named(program, steps, tmp_path, script):
    flags = of_another_scene(steps, script, tmp_path / "out", tmp_path / "no/scene.json")
    program(script, flags).refused(r"no/.*scene\.json: this file does not exist")
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize("script", ["index_tiles", "augment_samples", "train", "predict", "extract_buildings"])
def test_a_truncated_image_is_named(program, steps, tmp_path, script):
    shutil.copytree(steps.scene.parent, tmp_path / "s")
    image = (tmp_path / "s/eo.tif").read_bytes()
    (tmp_path / "s/eo.tif").write_bytes(image[: len(image) // 2])
    flags = of_another_scene(steps, script, tmp_path / "out", tmp_path / "s/scene.json")
    program(script, flags).refused(r"/s[/:]", "cannot be read as a raster|may be truncated")
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("script", "layer"),
    [
        *[(script, "eo") for script in ("index_tiles", "audit_folds", "augment_samples", "train", "audit_coverage")],
        *[("predict", "eo"), ("residuals", "dsm_initial"), ("extract_buildings", "eo"), ("evaluate", "ndsm")],
    ],
)
def test_a_layer_altered_outside_the_workflow_is_refused(program, steps, tmp_path, script, layer):
    """Its values can still be read: only the digest in the manifest reveals it."""
    shutil.copytree(steps.scene.parent, tmp_path / "s")
    with rasterio.open(tmp_path / f"s/{layer}.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        raster.write(raster.read() + 1)
    flags = of_another_scene(steps, script, tmp_path / "out", tmp_path / "s/scene.json")
    program(script, flags).refused(rf"s/{layer}\.tif: is missing or differs from the file described by scene.json")
    assert files(tmp_path / "out") == []


def test_a_start_that_does_not_fit_or_was_trained_on_test_areas_is_refused_before_any_training(
    program, steps, tmp_path
):
    start = shutil.copytree(steps.made / "model", tmp_path / "start")
    card = {name: value for name, value in read_json(start / "card.json").items() if name != SEAL}
    (area,) = card["trained_on"]["areas"]
    tested = area | {"train": "POLYGON ((50 0, 60 0, 60 40, 50 40, 50 0))"}  # px of 1 m
    write_sealed(card | {"trained_on": card["trained_on"] | {"areas": [tested]}}, start / "card.json")
    recipe = RECIPE | {"init_from": str(start)}
    words = r"init_from .*start: .*trained or validated on 400 m2 of scene d/s, which fold 0 tests; start from"
    audit = [*steps.audit_coverage(tmp_path / "out", recipe=recipe), "--start", start / "card.json"]
    program("audit_coverage", audit).refused(words)
    program("train", steps.train(tmp_path / "out", recipe=recipe)).refused(words)
    write_sealed({name: value for name, value in card.items() if name != "trained_on"}, start / "card.json")
    program("audit_coverage", audit).refused("its card does not say on which areas it was trained", "train it again")
    write_sealed(card | {"dtypes": {"eo": "uint16"}}, start / "card.json")
    program("audit_coverage", audit).refused("trained on uint16 pixels of layer eo, but those of the .* are uint8")
    other = recipe | {"target": "dem"}
    audit = [*steps.audit_coverage(tmp_path / "out", recipe=other), "--start", start / "card.json"]
    program("audit_coverage", audit).refused("its target is ndsm, but the recipe's is dem; start from")
    assert files(tmp_path / "out") == []


CARD = card_of(RECIPE, Normalisation({}, "metre", 0.0, 1.0))
SMALL_OUTPUTS = (
    "train", "audit_coverage", "audit_statistics", "list_scenes", "describe_dataset", "describe_models",
    "find_familiarity", "score_familiarity",
)  # fmt: skip


@pytest.mark.parametrize("script", ["make_city", "make_land", *(name for name in CHAIN if name not in SMALL_OUTPUTS)])
@pytest.mark.parametrize("limit", [300, 1000])
def test_a_full_disk_leaves_no_files(program, steps, tmp_path, script, limit):
    """Files beyond the limit cannot be written, as on a full disk."""
    program(script, getattr(steps, script)(tmp_path), limit).refused(
        "could not be written", "disk full|free some space"
    )
    assert files(tmp_path) == []


@pytest.mark.parametrize(("script", "scratch"), [("predict", "strips"), ("calibrate_intervals", "validated")])
def test_it_waits_for_a_job_that_still_runs(program, steps, tmp_path, monkeypatch, script, scratch):
    """As an orphan does if only Snakemake was killed; it removes its scratch folder at its end."""
    holds, waits = threading.Event(), threading.Event()
    monkeypatch.setattr(locks.logger, "info", lambda *_: waits.set())

    def work() -> None:
        with FileLock(tmp_path / f".{scratch}.lock"):
            holds.set()
            waits.wait(PATIENCE_S)

    threading.Thread(target=work, daemon=True).start()
    holds.wait()
    assert program(script, getattr(steps, script)(tmp_path)).status == 0
    assert waits.is_set()
    assert not [name for name in files(tmp_path) if scratch in name]


def test_the_end_of_a_raster_is_not_lost(program, steps, tmp_path):
    """GDAL writes the last block when a file is closed, and rasterio does not report that this failed."""
    with open_raster(steps.made / "s/height.tif") as raster:
        grid, tags = Grid.of(raster), {key: text for key, text in raster.tags().items() if key.startswith(TAGS)}
    with create_scratch(tmp_path / "scratch.tif", grid, [height_band("ndsm")], "float32", NODATA) as scratch:
        scratch.write(np.ones(grid.shape, np.float32))
    size, folder = (tmp_path / "scratch.tif").stat().st_size, tmp_path / "out"
    program("predict", steps.predict(folder), limit=size - 1).refused(r"fold\.tif: could not be written")
    assert files(folder) == ["strips/fold0/0.npy", "strips/fold0/record.json"]
    set_tags(tmp_path / "scratch.tif", tags)
    assert program("predict", steps.predict(folder), limit=(tmp_path / "scratch.tif").stat().st_size).status == 0
    assert files(folder) == ["fold.tif", "s/height.tif"]
    assert (folder / "s/height.tif").read_bytes() == (steps.made / "s/height.tif").read_bytes()


def test_a_full_disk_keeps_earlier_files(program, steps, tmp_path):
    before = files(steps.made / "scenes")
    shutil.copytree(steps.made / "scenes", tmp_path / "scenes")
    program("prepare_scene", steps.prepare_scene(tmp_path), limit=1500).refused("could not be written")
    assert files(tmp_path / "scenes") == before


def test_a_training_resumes_when_there_is_space_again(program, steps, tmp_path):
    """Neither a checkpoint nor a model is half-written, and the resumed training ends with the same bytes."""
    size = (steps.made / "model/model.safetensors").stat().st_size
    program("train", steps.train(tmp_path), limit=size // 2).refused(r"best\.ckpt: could not be written")
    (tmp_path / "live/metrics.json").write_text('{"ste')  # truncated, as DVCLive leaves it on a full disk
    assert not [name for name in files(tmp_path) if not name.startswith("live/")]
    assert program("train", steps.train(tmp_path)).status == 0
    model, made = tmp_path / "model", steps.made / "model"
    assert {name: (model / name).read_bytes() for name in files(model)} == {
        name: (made / name).read_bytes()
        for name in files(made)
        if name != "sources.json"  # of another program
    }


def test_weights_tables_and_json_are_complete_or_absent(steps, tmp_path):
    tiles = read_geotable(steps.made / "tiles/d/s.parquet")
    network = build_network("unet", {"eo": 3}, SMALL["options"])
    with small_disk(1000):
        with pytest.raises(ModelError, match=r"last\.safetensors: could not be written"):
            save_model(tmp_path, network, network.state_dict(), CARD)
        for write_file in (write_table, lambda frame, path: write_geopackage(frame, path, "tiles")):
            with pytest.raises(DataError, match=r"file\.gpkg: could not be written"):
                write_file(tiles, tmp_path / "file.gpkg")
        with pytest.raises(DataError, match=r"file\.gpkg: could not be written"):
            write_json(list(range(1000)), tmp_path / "file.gpkg")
    assert list(tmp_path.iterdir()) == []


INTERRUPTED = """
import os, runpy, sys
import img2height.io.rasters
write = img2height.io.rasters.write_cog
number, script = int(sys.argv[1]), sys.argv[2]

def interrupted(path, *args, **kwargs):
    write(path, *args, **kwargs)
    os.kill(os.getpid(), number)

img2height.io.rasters.write_cog = interrupted
sys.argv[:] = sys.argv[2:]
runpy.run_path(script, run_name="__main__")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_program_removes_its_partial_files(tmp_path, tmp_path_factory, number):
    """It receives the signal while its first raster is written."""
    flags = map(str, Steps(tmp_path_factory.mktemp("settings")).make_city(tmp_path))
    command = [sys.executable, "-c", INTERRUPTED, str(int(number)), SCRIPTS / "make_city.py", *flags]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []

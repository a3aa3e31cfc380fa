"""Radar, multispectral, stereo and surface models that cannot be used: one clear line, and no partial files."""

import json
import shutil
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from model_cases import card_of
from raw_cases import SIDE, deliver, ramp, write
from script_steps import Steps, files

from img2height.io.tables import write_json, write_table
from img2height.methods import build_network, recipes_folder
from img2height.models.folder import save_model
from img2height.samples.normalise import Normalisation
from img2height.settings.project import load_recipe

BANDS = ["coastal", "blue", "green", "red", "rededge", "nir", "nir2", "swir1", "swir2", "cirrus"]


def deliver_sensors(raw: Path) -> dict:
    """Write radar, ten bands, an initial surface and two views next to the usual layers; return their declarations."""
    layers = deliver(raw)
    rng = np.random.default_rng(2)
    write(raw / "sar.tif", rng.normal(-12, 3, (4, SIDE, SIDE)).astype(np.float32), names=["HH", "HV", "VH", "VV"])
    write(raw / "ms.tif", rng.random((10, SIDE, SIDE)).astype(np.float32))
    write(raw / "dsm_initial.tif", ramp(), unit="metre", nodata=-9999)
    for number in (1, 2):
        write(raw / f"v{number}.tif", rng.integers(1, 2000, (SIDE, SIDE), dtype=np.uint16))
    return layers | {
        "sar": {"path": "sar.tif", "backscatter": "decibel"}, "ms": {"path": "ms.tif", "bands": BANDS},
        "dsm_initial": {"path": "dsm_initial.tif"}, "views": [{"path": "v1.tif"}, {"path": "v2.tif"}],
    }  # fmt: skip


def no_backscatter(raw: Path, layers: dict) -> None:
    del layers["sar"]["backscatter"]


def empty_surface(raw: Path, layers: dict) -> None:
    write(raw / "dsm_initial.tif", np.full((SIDE, SIDE), -9999, np.float32), unit="metre", nodata=-9999)


def nine_bands(raw: Path, layers: dict) -> None:
    write(raw / "ms.tif", np.ones((9, SIDE, SIDE), np.float32))


def view_elsewhere(raw: Path, layers: dict) -> None:
    write(raw / "v2.tif", np.ones((SIDE, SIDE), np.uint16), west=600_000)


def view_of_another_type(raw: Path, layers: dict) -> None:
    write(raw / "v2.tif", np.ones((SIDE, SIDE), np.uint8))


def view_of_a_strange_type(raw: Path, layers: dict) -> None:
    write(raw / "v2.tif", np.ones((SIDE, SIDE), np.int32))


def view_in_colour(raw: Path, layers: dict) -> None:
    write(raw / "v2.tif", np.ones((3, SIDE, SIDE), np.uint16))


def truncated_view(raw: Path, layers: dict) -> None:
    content = (raw / "v2.tif").read_bytes()
    (raw / "v2.tif").write_bytes(content[: len(content) // 2])


def missing_view(raw: Path, layers: dict) -> None:
    (raw / "v2.tif").unlink()


def surface_in_feet(raw: Path, layers: dict) -> None:
    write(raw / "dsm_initial.tif", ramp(), nodata=-9999)


SPOILS = [
    (no_backscatter, [r"sar\.tif: the scale of the values of layer sar is not stated", "backscatter: decibel"]),
    (empty_surface, [r"dsm_initial\.tif: layer dsm_initial has no valid pixel", "nodata"]),
    (nine_bands, [r"ms\.tif: the image has 9 bands, named: coastal, .*cirrus"]),
    (view_elsewhere, [r"v2\.tif: layer view_2 covers", "do not overlap"]),
    (view_of_another_type, [r"different data types: .*v1\.tif uint16, .*v2\.tif uint8; convert"]),
    (view_of_a_strange_type, [r"v2\.tif: image of type int32; convert it to one of uint8, uint16, float32"]),
    (view_in_colour, [r"v2\.tif: layer view_2 has 3 bands instead of one"]),
    (truncated_view, [r"v2\.tif: cannot be read", "copy it again"]),
    (missing_view, [r"v2\.tif: this raster does not exist"]),
    (surface_in_feet, [r"dsm_initial\.tif: layer dsm_initial has no unit", "unit: metre"]),
]


@pytest.mark.parametrize(("spoil", "words"), SPOILS, ids=[spoil.__name__ for spoil, _ in SPOILS])
def test_a_bad_sensor_is_refused_and_no_scene_appears(program, tmp_path, spoil, words):
    layers = deliver_sensors(tmp_path / "made/raw")
    spoil(tmp_path / "made/raw", layers)
    flags = Steps(tmp_path / "made").prepare_scene(tmp_path / "out", layers, pairs=[{"first": 1, "second": 2}])
    program("prepare_scene", flags).refused(*words)
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize("pair", [{"first": 1, "second": 3}, {"first": 2, "second": 2}])
def test_a_pair_of_missing_views_is_refused(program, tmp_path, pair):
    layers = deliver_sensors(tmp_path / "made/raw")
    flags = Steps(tmp_path / "made").prepare_scene(tmp_path / "out", layers, pairs=[pair])
    program("prepare_scene", flags).refused(r"scene\.yaml", "not two of the 2 views")
    assert files(tmp_path / "out") == []


def test_the_same_sensors_unspoilt_are_a_scene(program, tmp_path):
    """A view on its own grid is resampled to that of the scene."""
    layers = deliver_sensors(tmp_path / "made/raw")
    write(tmp_path / "made/raw/v2.tif", np.full((2 * SIDE, 2 * SIDE), 700, np.uint16), gsd=0.5)
    steps = Steps(tmp_path / "made")
    assert program("prepare_scene", steps.prepare_scene(tmp_path / "made", layers)).status == 0
    manifest = json.loads(steps.scene.read_text())
    assert {"sar", "ms", "dsm_initial", "dsm_filled", "view_1", "view_2"} <= manifest["layers"].keys()
    assert manifest["layers"]["ms"]["bands"] == BANDS


@pytest.fixture(scope="module")
def stereo(district, tmp_path_factory) -> tuple[Path, list, Path]:
    """Return a model that uses two views, the flags to predict a scene with it, and the table of test areas."""
    folder = tmp_path_factory.mktemp("stereo")
    recipe = load_recipe(recipes_folder(), "resdepth_stereo", {"options": {"depth": 2, "start_kernel": 4}})
    network = build_network("resdepth", {"dsm_initial": 1, "views": 2}, recipe.options)
    views = dict.fromkeys(("first", "second"), (90.0, 30.0))
    normalisation = Normalisation({"views": views}, "patch_centred", 0.0, 4.0)
    card = card_of(recipe, normalisation, dtypes={"dsm_initial": "float32", "views": "uint8"})
    save_model(folder / "model", network, network.state_dict(), card)
    rows = {"fold": [0], "part": ["test"], "dataset": [district.dataset], "scene": [district.name]}
    write_table(geopandas.GeoDataFrame(rows, geometry=[shapely.box(0, 0, 64, 64)]), folder / "areas.parquet")
    flags = [
        "--scene", district.folder / "scene.json", "--areas", folder / "areas.parquet", "--settings",
        Steps(folder).settings("inference", {"window_px": 64, "overlap": 0.0, "batch_size": 1}),
    ]  # fmt: skip
    return folder / "model", flags, folder / "areas.parquet"


def outputs(model, folder):
    fold = ["--fold", 0, model / "card.json", folder / "fold.tif"]
    return [*fold, "--strips", folder / "strips", "--mosaics", folder / "all.tif"]


@pytest.mark.parametrize(
    ("views", "words"),
    [
        ([], "the model needs 2 views, 0 were given; give 2"),
        (["--views", 1], "the model needs 2 views, 1 were given; give 2"),
        (["--views", 1, 2, 3], "the model needs 2 views, 3 were given; give 2"),
        (["--views", 1, 9], "scene demo/district has no layer 'view_9'; it has .*view_4"),
    ],
)
def test_views_that_do_not_fit_the_model_are_refused(program, stereo, tmp_path, views, words):
    program("predict", [*stereo[1], *views, *outputs(stereo[0], tmp_path)]).refused(words)
    assert files(tmp_path) == []


def test_views_that_fit_are_predicted(program, stereo, tmp_path):
    assert program("predict", [*stereo[1], "--views", 2, 1, *outputs(stereo[0], tmp_path)]).status == 0
    assert files(tmp_path) == ["all.tif", "fold.tif"]


def test_a_truncated_view_of_a_scene_is_named(program, district, stereo, tmp_path):
    scene = shutil.copytree(district.folder, tmp_path / "scene")
    content = (scene / "view_2.tif").read_bytes()
    (scene / "view_2.tif").write_bytes(content[: len(content) // 2])
    flags = [scene / "scene.json" if flag == district.folder / "scene.json" else flag for flag in stereo[1]]
    program("predict", [*flags, "--views", 2, 1, *outputs(stereo[0], tmp_path / "out")]).refused(
        r"view_2\.tif: .*truncated"
    )
    assert files(tmp_path / "out") == []


def test_pairs_on_another_grid_are_not_merged(program, district, tmp_path):
    write(tmp_path / "other.tif", ramp(), unit="metre", nodata=-9999, names=["dsm"])
    flags = ["--scene", district.folder / "scene.json", "--mosaic", tmp_path / "height.tif", "--fold"]
    other, missing = tmp_path / "other.tif", tmp_path / "no.tif"
    program("merge_pairs", [*flags, tmp_path / "0.tif", other, other]).refused(r"other\.tif: is not on the grid")
    program("merge_pairs", [*flags, tmp_path / "0.tif", missing]).refused(r"no\.tif: this raster does not exist")
    program("merge_pairs", [*flags, tmp_path / "0.tif"]).refused(r"0\.tif: there are no heights to join")
    assert files(tmp_path) == ["other.tif"]


def test_residuals_are_those_of_surfaces(program, district, stereo, tmp_path):
    flags = ["--scene", district.folder / "scene.json", "--areas", stereo[2], "--out", tmp_path / "residuals.tif"]
    program("residuals", [*flags, "--height", district.path("ndsm")]).refused("contains ndsm", "surface heights")
    assert files(tmp_path) == []


def test_heights_of_a_pair_that_were_not_predicted_are_named(program, district, stereo, tmp_path):
    listing, results = tmp_path / "scenes.json", tmp_path / "results/district"
    write_json([{"manifest": str(district.folder / "scene.json"), "role": "test", "sha256": ""}], listing)
    results.mkdir(parents=True)
    for name, layer in (("height.tif", "dsm"), ("footprint.tif", "building")):
        (results / name).symlink_to(district.path(layer))
    houses = geopandas.read_parquet(district.path("buildings"))
    houses.assign(height_m=5.0, volume_m3=500.0).to_parquet(results / "buildings.parquet")
    flags = [
        "--method", "m", "--seed", 0, "--scenes", listing, "--results", results.parent, "--areas", stereo[2],
        "--settings", Steps(tmp_path).settings("metrics"),
        "--out", tmp_path / "out/s.json", "--tiles", tmp_path / "out/t.parquet", "--fold", 0, "calibration.json",
        "--buildings", tmp_path / "out/b.parquet", "--intervals", tmp_path / "out/i.parquet",
    ]  # fmt: skip
    said = program("evaluate", [*flags, "--views", "first", "second"])
    said.refused(r"district/height_pair1\.tif: this raster does not exist")
    assert files(tmp_path / "out") == []

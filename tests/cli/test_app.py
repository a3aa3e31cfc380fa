import json
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas
import laspy
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from model_cases import card_of
from rasterio.crs import CRS
from raw_cases import SIDE, deliver, prepare, ramp
from raw_cases import write as write_raw
from reduced_methods import options_of
from resdepth_files import official
from rio_cogeo.cogeo import cog_validate
from typer.testing import CliRunner, Result

from img2height.cli.app import app
from img2height.io.grid import Grid
from img2height.io.rasters import Band, write_cog
from img2height.io.tables import write_layers
from img2height.methods import build_network, recipes_folder
from img2height.models.folder import save_model
from img2height.samples.normalise import Normalisation
from img2height.settings.project import load_recipe


@pytest.fixture
def model(tmp_path: Path) -> Path:
    network = build_network("constant", {"eo": 1}, {})
    card = card_of("mean_height", Normalisation({"eo": {"red": (100.0, 10.0)}}, "zscore", 4.5, 2.0))
    save_model(tmp_path / "model", network, network.state_dict(), card)
    return tmp_path / "model"


def grid() -> Grid:
    return Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), 90, 70)


def write_image(path: Path, dtype: str = "uint8") -> Path:
    valid = np.ones(grid().shape, bool)
    valid[:, :10] = False
    write_cog(path, np.ones(grid().shape, dtype), grid(), [Band("red")], valid=valid)
    return path


def test_an_image_becomes_a_cog_of_heights_in_metres(model: Path, tmp_path: Path) -> None:
    eo, out = write_image(tmp_path / "eo.tif"), tmp_path / "new" / "height.tif"
    result = CliRunner().invoke(app, ["predict", "--model", str(model), "--image", str(eo), "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert cog_validate(out, quiet=True)[0]
    with rasterio.open(out) as raster:
        heights = raster.read(1, masked=True)
        assert raster.units == ("metre",)
    assert (heights.mask[:, :10].all(), heights.mask[:, 10:].any()) == (True, False)
    assert (heights[:, 10:] == 4.5).all()
    assert [path.name for path in out.parent.iterdir()] == ["height.tif"]


def test_a_user_error_is_one_line_and_exit_status_2(model: Path, tmp_path: Path) -> None:
    eo, out = write_image(tmp_path / "eo.tif", "uint16"), tmp_path / "height.tif"
    result = CliRunner().invoke(app, ["predict", "--model", str(model), "--image", str(eo), "--out", str(out)])
    assert result.exit_code == 2
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert "uint16, but the model was trained on uint8" in line
    assert "Traceback" not in result.stderr
    assert not out.exists()


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def refiner(tmp_path: Path) -> Path:
    """Return a model that takes a surface model and two views, and returns the surface unchanged."""
    network = build_network("constant", {"dsm_initial": 1, "views": 2}, {"outer_skip": True})
    changes = {"inputs": {"dsm_initial": ["dsm"], "views": ["first", "second"]}}
    normalisation = Normalisation({"views": {"first": (9.0, 2.0), "second": (9.0, 2.0)}}, "patch_centred", 0.0, 2.0)
    recipe = load_recipe(recipes_folder(), "initial_dsm", changes)
    card = card_of(recipe, normalisation, dtypes={"dsm_initial": "float32", "views": "uint8"})
    save_model(tmp_path / "refiner", network, network.state_dict(), card)
    return tmp_path / "refiner"


def write_surface(path: Path, unit: str = "metre") -> np.ndarray:
    """Write a surface with one hole and return its heights in the unit given, NaN in the hole."""
    heights = np.add.outer(np.arange(70) * 0.05, np.arange(90) * 0.03).astype(np.float32) + 120
    heights[30:36, 40:48] = np.nan
    write_cog(path, heights, grid(), [Band("", unit)], nodata=-9999)
    return heights


def test_a_surface_is_refined_and_its_holes_are_filled_first(refiner: Path, tmp_path: Path) -> None:
    heights = write_surface(tmp_path / "dsm.tif")
    views = [write_image(tmp_path / f"v{n}.tif") for n in (1, 2)]
    out = tmp_path / "new" / "height.tif"
    given = ["--dsm", tmp_path / "dsm.tif", "--view", views[0], "--view", views[1]]
    result = invoke("predict", "--model", refiner, *given, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert f"dsm.tif: {6 * 8} missing pixels were filled from their surroundings" in result.stderr
    with rasterio.open(out) as raster:
        found = raster.read(1, masked=True)
        assert (raster.descriptions, raster.units) == (("dsm",), ("metre",))
    assert (found.mask[:, :10].all(), found.mask[:, 10:].any()) == (True, False)  # missing in the views
    valid = np.isfinite(heights)
    valid[:, :10] = False
    np.testing.assert_allclose(found[valid], heights[valid], rtol=1e-6)
    hole = found[30:36, 40:48]
    assert 120 < hole.min() < hole.max() < 126
    assert [path.name for path in out.parent.iterdir()] == ["height.tif"]


@pytest.fixture
def omni(tmp_path: Path) -> Path:
    """Return an untrained model of an optional image, radar and surface model; no training scene had a radar."""
    changes = {"options": options_of("omniheight"), "tile_multiple": 32}
    inputs = {"eo": ["red"], "sar": ["hh"], "dsm_initial": ["dsm"]}
    recipe = load_recipe(recipes_folder(), "omniheight", {**changes, "inputs": inputs, "optional": list(inputs)})
    network = build_network("omniheight", dict.fromkeys(inputs, 1), recipe.options)
    normalisation = Normalisation({"eo": {"red": (0.0, 255.0)}}, "minmax", 0.0, 20.0, "unit")
    card = card_of(recipe, normalisation, dtypes={"eo": "uint8", "dsm_initial": "float32"})
    save_model(tmp_path / "omni", network, network.state_dict(), card)
    return tmp_path / "omni"


def test_heights_come_from_any_subset_of_optional_inputs(omni: Path, tmp_path: Path) -> None:
    write_surface(tmp_path / "dsm.tif")
    image, surface = ["--image", write_image(tmp_path / "eo.tif")], ["--dsm", tmp_path / "dsm.tif"]
    found = {}
    for name, given in (("image", image), ("surface", surface), ("both", image + surface)):
        out = tmp_path / f"{name}.tif"
        result = invoke("predict", "--model", omni, *given, "--out", out)
        assert result.exit_code == 0, result.stderr
        with rasterio.open(out) as raster:
            found[name] = raster.read(1, masked=True)
    assert found["image"].mask[:, :10].all()  # the image has no data there
    assert not found["surface"].mask.any()
    assert not found["both"].mask.any()  # without the image, but with the surface
    assert np.abs(found["both"] - found["surface"]).max() < 1e-4  # an untrained correction is 0
    result = invoke("predict", "--model", omni, "--sar", tmp_path / "dsm.tif", "--out", tmp_path / "none.tif")
    assert result.exit_code == 2
    assert "the model needs one or more of --dsm (dsm), --image (red); give any of them" in result.stderr


def test_heights_without_a_unit_are_refused(refiner: Path, tmp_path: Path) -> None:
    heights, view = write_surface(tmp_path / "dsm.tif", ""), write_image(tmp_path / "v.tif")
    flags = ["--model", refiner, "--dsm", tmp_path / "dsm.tif", "--view", view, "--view", view]
    result = invoke("predict", *flags, "--out", tmp_path / "height.tif")
    assert result.exit_code == 2
    assert "--dsm-unit metre" in result.stderr
    assert not (tmp_path / "height.tif").exists()
    result = invoke("predict", *flags, "--out", tmp_path / "height.tif", "--dsm-unit", "decimetre")
    assert result.exit_code == 0, result.stderr
    with rasterio.open(tmp_path / "height.tif") as raster:
        assert raster.read(1)[5, 50] == pytest.approx(heights[5, 50] / 10, rel=1e-6)
    assert (
        "did you mean 'metre'" in invoke("predict", *flags, "--out", tmp_path / "o.tif", "--dsm-unit", "meter").stderr
    )


def test_feet_in_a_surface_become_metres(refiner: Path, tmp_path: Path) -> None:
    heights = write_surface(tmp_path / "dsm.tif", "foot")
    view = write_image(tmp_path / "v.tif")
    given = ["--dsm", tmp_path / "dsm.tif", "--view", view, "--view", view]
    assert invoke("predict", "--model", refiner, *given, "--out", tmp_path / "height.tif").exit_code == 0
    with rasterio.open(tmp_path / "height.tif") as raster:
        assert raster.read(1)[5, 50] == pytest.approx(heights[5, 50] * 0.3048, rel=1e-6)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "needs --dsm (dsm), --view (first second); give --dsm and --view"),
        (["--dsm"], "give --view"),
        (["--view"], "give --dsm"),
        (["--image"], "give --dsm and --view"),
        (["--dsm", "--view"], "the model needs 2 views, 1 were given; give 2"),
        (["--dsm", "--view", "--view", "--view"], "the model needs 2 views, 3 were given; give 2"),
    ],
)
def test_missing_inputs_are_named_by_their_options(refiner: Path, tmp_path: Path, given: list, said: str) -> None:
    write_surface(tmp_path / "dsm.tif")
    image = write_image(tmp_path / "v.tif")
    flags = [word for name in given for word in (name, tmp_path / "dsm.tif" if name == "--dsm" else image)]
    result = invoke("predict", "--model", refiner, *flags, "--out", tmp_path / "height.tif")
    assert result.exit_code == 2
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert all(word in line for word in said.split("; "))
    assert not (tmp_path / "height.tif").exists()
    assert not list(tmp_path.glob(".scratch*"))


def test_buildings_come_with_the_heights(model: Path, tmp_path: Path) -> None:
    eo, out, polygons = write_image(tmp_path / "eo.tif"), tmp_path / "new/height.tif", tmp_path / "new/b.gpkg"
    result = invoke("predict", "--model", model, "--image", eo, "--out", out, "--buildings", polygons)
    assert result.exit_code == 0, result.stderr
    assert "only the height decides" in result.stderr
    found = geopandas.read_file(polygons, layer="buildings")
    assert found[["height_m", "area_m2"]].to_numpy().tolist() == [[4.5, 80 * 70 / 4]]
    assert sorted(path.name for path in out.parent.iterdir()) == ["b.gpkg", "height.tif"]


def test_a_point_cloud_comes_with_the_heights(model: Path, tmp_path: Path) -> None:
    eo, out, cloud = write_image(tmp_path / "eo.tif"), tmp_path / "new/height.tif", tmp_path / "new/cloud.laz"
    result = invoke("predict", "--model", model, "--image", eo, "--out", out, "--points", cloud)
    assert result.exit_code == 0, result.stderr
    found = laspy.read(cloud)
    assert (len(found), set(found.z), found.point_format.id) == (80 * 70, {4.5}, 7)
    assert sorted(path.name for path in out.parent.iterdir()) == ["cloud.laz", "height.tif"]


@pytest.mark.parametrize(
    ("option", "name", "said"),
    [
        ("--out", "height.png", "must end in .tif or .tiff, found '.png'"),
        ("--out", "folder.tif", "is a folder"),
        ("--out", "eo.tif", "is one of the files to read"),
        ("--out", "eo.tif/height.tif", "its folder cannot be written"),
        ("--buildings", "b.shp", ".fgb or .pmtiles, found '.shp'"),
        ("--points", "cloud.ply", "must end in .laz or .las, found '.ply'"),
        ("--buildings", "b", ".fgb or .pmtiles, found 'no suffix'"),
        ("--buildings", "eo.tif/b.gpkg", "its folder cannot be written"),
    ],
)
def test_an_output_that_cannot_be_written_fails_early(tmp_path: Path, option: str, name: str, said: str) -> None:
    """Even before the model is read."""
    eo = write_image(tmp_path / "eo.tif")
    (tmp_path / "folder.tif").mkdir()
    outputs = {"--out": tmp_path / "height.tif", option: tmp_path / name}
    flags = [word for pair in outputs.items() for word in pair]
    result = invoke("predict", "--model", tmp_path / "nowhere", "--image", eo, *flags)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {option} ")
    assert said in result.stderr


def test_results_of_one_name_are_refused(tmp_path: Path) -> None:
    eo, same = write_image(tmp_path / "eo.tif"), tmp_path / "h.tif"
    result = invoke("predict", "--model", tmp_path / "nowhere", "--image", eo, "--out", same, "--intervals", same)
    assert result.exit_code == 2
    assert "--out and --intervals are both" in result.stderr


def test_defaults_in_words_are_shown() -> None:
    """Text in square brackets would be markup."""
    shown = " ".join(invoke("grid", "--help").stdout.split())
    assert "(default: 2 and 9, water)" in shown.replace("│ ", "").replace("│", "")


def test_a_pattern_or_folder_is_many_images(model: Path, tmp_path: Path) -> None:
    (tiles := tmp_path / "tiles").mkdir()
    write_image(tiles / "a.tif")
    out = tmp_path / "out"
    for given, flags in ((tiles / "*.tif", []), (tiles, ["--mosaic"])):
        result = invoke("predict", "--model", model, "--image", given, "--out", out, *flags)
        assert result.exit_code == 0, result.stderr
        assert sorted(path.name for path in out.iterdir()) == ["a.json", "a.tif"]
    refused = invoke("predict", "--model", model, "--image", tiles, "--out", out, "--engine", "fastest")
    assert refused.exit_code == 2
    assert "fastest" in refused.stderr


@pytest.mark.parametrize(
    ("image", "flags", "said"),
    [
        ("*.tif", ["--out", "h.tif"], "--out h.tif: of several images this is a folder"),
        ("*.tif", ["--out", "h", "--points", "b.laz"], "--points: not for several images"),
        ("*.png", ["--out", "h"], "no image is found"),
        ("*.tif", ["--out", "h", "--sar", "sar.tif"], "--image, --sar: several images at once"),
        ("eo.tif", ["--out", "h.tif", "--mosaic"], "--mosaic: is for several images"),
    ],
)
def test_options_of_many_images_are_checked_first(tmp_path: Path, image: str, flags: list[str], said: str) -> None:
    write_image(tmp_path / "eo.tif")
    result = invoke("predict", "--model", tmp_path / "nowhere", "--image", tmp_path / image, *flags)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(("layer", "option"), [("sar", "--sar"), ("ms", "--ms")])
def test_radar_and_multispectral_images_have_their_options(tmp_path: Path, layer: str, option: str) -> None:
    network = build_network("constant", {layer: 1}, {})
    inputs = {"inputs": {layer: ["red"]}}
    recipe = load_recipe(recipes_folder(), "mean_height", inputs).model_copy(update=inputs)
    normalisation = Normalisation({layer: {"red": (1.0, 2.0)}}, "zscore", 7.5, 2.0)
    card = card_of(recipe, normalisation, dtypes={layer: "float32"})
    save_model(tmp_path / "model", network, network.state_dict(), card)
    image, out = write_image(tmp_path / "i.tif", "float32"), tmp_path / "height.tif"
    result = invoke("predict", "--model", tmp_path / "model", option, image, "--out", out)
    assert result.exit_code == 0, result.stderr
    with rasterio.open(out) as raster:
        assert (raster.read(1)[:, 10:] == 7.5).all()
    result = invoke("predict", "--model", tmp_path / "model", "--image", image, "--out", out)
    assert f"the model needs {option} (red); give {option}" in result.stderr


def test_scenes_without_an_optical_image_are_checked(tmp_path: Path) -> None:
    deliver(tmp_path / "raw")
    write_raw(tmp_path / "raw/sar.tif", np.full((1, SIDE, SIDE), -12, np.float32), names=["HH"])
    holed = ramp() + 5
    holed[20:24, 20:24] = -9999
    write_raw(tmp_path / "raw/dsm_initial.tif", holed, unit="metre", nodata=-9999)
    layers = {
        "sar": {"path": "sar.tif", "backscatter": "decibel", "look_azimuth_deg": 185.0},
        "dsm_initial": {"path": "dsm_initial.tif"}, "dsm": {"path": "dsm.tif"}, "dtm": {"path": "dtm.tif"},
    }  # fmt: skip
    scene = prepare(tmp_path, layers)
    result = invoke("check", "d", "--scenes", tmp_path / "scenes")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)["s"]
    assert {"sar", "dsm_initial", "dsm_filled", "ndsm"} <= report["layers"].keys()
    assert report["layers"]["sar"]["median"] == pytest.approx(-12)
    assert report["overlap_share"] == 1
    assert report["registration"] is None
    assert json.loads((scene.folder / "scene.json").read_text())["layers"]["sar"]["look_azimuth_deg"] == 185
    assert invoke("verify", scene.folder).exit_code == 0


def test_a_dataset_without_prepared_scenes_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", "nowhere", "--scenes", str(tmp_path)])
    assert result.exit_code == 2
    assert "contains no prepared scene" in result.stderr


def test_an_official_resdepth_model_is_imported(tmp_path: Path) -> None:
    files, out = official(tmp_path), tmp_path / "model"
    paths = [str(path) for path in (files.checkpoint, files.config, *files.normalization)]
    result = CliRunner().invoke(app, ["import-resdepth", *paths, "--gsd-m", "0.25", "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    assert CliRunner().invoke(app, ["verify", str(out)]).exit_code == 0
    assert json.loads((out / "card.json").read_text())["gsd_m"] == 0.25
    assert CliRunner().invoke(app, ["import-resdepth", *paths, "--gsd-m", "0.5", "--out", str(out)]).exit_code == 0
    result = CliRunner().invoke(app, ["import-resdepth", *paths[:-1], "--gsd-m", "0.25", "--out", str(out)])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: 1 normalisation files were given")


def test_an_import_replaces_nothing_that_is_not_a_model(tmp_path: Path) -> None:
    (tmp_path / "official").mkdir()
    files = official(tmp_path / "official")
    paths = [str(path) for path in (files.checkpoint, files.config, *files.normalization)]
    (folder := tmp_path / "photos").mkdir()
    (folder / "holiday.jpg").touch()
    (tmp_path / "file").write_text("mine")
    for out in (folder, tmp_path / "file"):
        result = CliRunner().invoke(app, ["import-resdepth", *paths, "--gsd-m", "0.25", "--out", str(out)])
        assert result.exit_code == 2
        assert result.stderr.startswith(f"error: {out}: is a f")
    assert [path.name for path in folder.iterdir()] == ["holiday.jpg"]
    assert (tmp_path / "file").read_text() == "mine"


def test_other_layers_in_a_geopackage_are_never_lost(model: Path, tmp_path: Path) -> None:
    image, project = write_image(tmp_path / "eo.tif"), tmp_path / "project.gpkg"
    square = geopandas.GeoDataFrame({"owner": ["town"]}, geometry=[shapely.box(0, 0, 9, 9)], crs=32633)
    flags = ["--model", model, "--image", image, "--out", tmp_path / "h.tif", "--buildings", project]
    for layers in ({"parcels": square, "survey": square}, {"buildings": square}):
        write_layers(layers, project)
        before = project.read_bytes()
        result = invoke("predict", *flags)
        assert result.exit_code == 2
        assert ", ".join(layers) in result.stderr
        assert project.read_bytes() == before
    project.write_bytes(b"")  # a broken copy
    result = invoke("predict", *flags)
    assert (result.exit_code, "project.gpkg: is not a vector file" in result.stderr) == (2, True)
    project.unlink()
    assert [invoke("predict", *flags).exit_code for _ in range(2)] == [0, 0]  # its own layer and style are replaced
    with closing(sqlite3.connect(project)) as file, file:
        file.execute("update layer_styles set styleQML = '<qgis/>'")  # as QGIS does when a user saves another style
    result = invoke("predict", *flags)
    assert (result.exit_code, "layer_styles" in result.stderr) == (2, True)

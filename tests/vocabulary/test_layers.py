"""A layer is declared once: a copy of the package with one more line prepares, learns from and accepts it."""

import json
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from edited import run_edited
from rasterio.crs import CRS

from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.methods import recipes_folder
from img2height.settings.dataset import SceneLayers
from img2height.vocabulary.layers import HEIGHTS, INPUTS, LAYERS, MASKS, PICTURES, RADAR, VIEWS, layer_of

THERMAL = '        Layer("thermal", "image", "input", "brightness temperature", "Thermal", "--thermal"),'
CODE = """
import json
from pathlib import Path
from typer.testing import CliRunner
from img2height.cli.app import app
from img2height.report.figures.sensors import sensor_names
from img2height.samples.reader import TileReader
from img2height.scenes.prepare import prepare_scene
from img2height.settings.dataset import SceneFile, TargetGrid
from img2height.settings.project import load_recipe

recipe = load_recipe(Path(RECIPES), "unet", {"inputs": {"thermal": ["t"]}})
layers = {"thermal": {"path": "thermal.tif"}, "ndsm": {"path": "ndsm.tif"}}
scene = prepare_scene(
    SceneFile.model_validate({"layers": layers}), dataset="d", name="s", raw=Path("raw"), grid=TargetGrid(),
    folder=Path("scene"),
)
row = {"dataset": "d", "scene": "s", "col_off": 0, "row_off": 0, "size_px": 32}
tile = TileReader({("d", "s"): scene}, recipe.inputs, recipe.target).read(row)
print(json.dumps({
    "inputs": recipe.inputs, "picture": scene.picture, "titles": sensor_names(scene),
    "kelvin": float(tile.images["thermal"].max()),
    "option": "--thermal" in CliRunner().invoke(app, ["predict", "--help"]).output,
}))
"""


def test_a_new_input_is_one_line(tmp_path: Path) -> None:
    grid = Grid(CRS.from_epsg(32633), Affine(1, 0, 500_000, 0, -1, 5_000_000), 64, 64)
    (tmp_path / "raw").mkdir()
    write_cog(tmp_path / "raw/thermal.tif", np.full((1, 64, 64), 300, np.float32), grid, [Band("t")])
    write_cog(tmp_path / "raw/ndsm.tif", np.ones((64, 64), np.float32), grid, [height_band("ndsm")], nodata=-9999.0)
    anchor = '        Layer("dsm", "height", "reference", "surface model"),'
    code = f"RECIPES = {str(recipes_folder().resolve())!r}\n{CODE}"
    found = json.loads(run_edited(tmp_path, "vocabulary/layers.py", anchor, THERMAL, code))
    assert found == {
        "inputs": {"thermal": ["t"]}, "option": True, "picture": "thermal", "kelvin": 300.0,
        "titles": ["thermal", "reference"],
    }  # fmt: skip


def test_a_dataset_file_names_the_declared_layers() -> None:
    assert set(SceneLayers.model_fields) == set(LAYERS)
    assert SceneLayers.model_fields["ndsm"].description == LAYERS["ndsm"].about


@pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
def test_each_input_has_its_own_option(layer) -> None:
    assert (layer.role == "input") == layer.option.startswith("--")
    assert [other.option for other in INPUTS.values()].count(layer.option) == (layer.role == "input")


def test_layers_by_kind_and_role() -> None:
    assert list(INPUTS) == ["eo", "sar", "ms", "dsm_initial", "views"]
    assert HEIGHTS == ("dsm", "dtm", "ndsm")
    assert set(MASKS) == {"dsm_filled", "dtm_filled", "building", "wall", "water", "forest"}
    assert PICTURES == ("eo", "ms", VIEWS, RADAR, "dsm_initial")
    assert layer_of("view_12").name == VIEWS


def test_a_derived_layer_is_available_with_all_its_sources() -> None:
    heights = LAYERS["ndsm"]
    assert not heights.is_among(["dsm"])
    assert heights.is_among(["dsm", "dtm"])
    assert heights.is_among(["ndsm"])
    assert heights.in_words == "ndsm (or dsm and dtm)"
    assert not LAYERS["eo"].is_among([])

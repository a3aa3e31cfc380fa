import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from resdepth_files import official
from rio_cogeo.cogeo import cog_validate
from typer.testing import CliRunner

from img2height.cli import app
from img2height.inference.model import save_model
from img2height.methods import build_network, names, recipes_folder
from img2height.project import load_recipe
from img2height.rasters import Band, Grid, write_cog


@pytest.fixture
def model(tmp_path: Path) -> Path:
    network = build_network("constant", {"eo": 1}, {})
    card = {
        "recipe": load_recipe(recipes_folder(), "mean_height").model_dump(mode="json"),
        "normalisation": {"image": {"eo": {"red": (100.0, 10.0)}}, "mode": "zscore", "offset_m": 4.5, "scale_m": 2.0},
        "gsd_m": 0.5,
        "dtypes": {"eo": "uint8"},
    }
    save_model(tmp_path / "model", network, network.state_dict(), card)
    return tmp_path / "model"


def write_image(path: Path, dtype: str = "uint8") -> Path:
    grid = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), 90, 70)
    valid = np.ones(grid.shape, bool)
    valid[:, :10] = False
    write_cog(path, np.ones(grid.shape, dtype), grid, [Band("red")], valid=valid)
    return path


def test_methods_are_listed_as_json_with_exactly_the_promised_keys() -> None:
    result = CliRunner().invoke(app, ["methods", "--json"])
    assert result.exit_code == 0
    methods = {method["name"]: method for method in json.loads(result.stdout)}
    assert sorted(methods) == names()
    keys = {"name", "paper", "inputs", "target", "trainable_parameters", "batchnorm_buffers"}
    assert all(set(method) == keys for method in methods.values())
    published = methods["im2height"]
    assert (published["trainable_parameters"], published["batchnorm_buffers"]) == (3_976_907, 4_864)
    assert published["inputs"] == {"eo": ["red", "green", "blue"]}
    assert methods["zero_height"]["paper"] is None


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


def test_an_error_of_the_user_is_one_line_and_exit_2(model: Path, tmp_path: Path) -> None:
    eo, out = write_image(tmp_path / "eo.tif", "uint16"), tmp_path / "height.tif"
    result = CliRunner().invoke(app, ["predict", "--model", str(model), "--image", str(eo), "--out", str(out)])
    assert result.exit_code == 2
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert "uint16, the model was trained on uint8" in line
    assert "Traceback" not in result.stderr
    assert not out.exists()


def test_a_dataset_without_prepared_scenes_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", "nowhere", "--scenes", str(tmp_path)])
    assert result.exit_code == 2
    assert "holds no prepared scene" in result.stderr


def test_an_official_resdepth_model_is_imported(tmp_path: Path) -> None:
    files, out = official(tmp_path), tmp_path / "model"
    paths = [str(path) for path in (files.checkpoint, files.config, *files.normalization)]
    result = CliRunner().invoke(app, ["import-resdepth", *paths, "--gsd-m", "0.25", "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    assert CliRunner().invoke(app, ["verify", str(out)]).exit_code == 0
    assert json.loads((out / "card.json").read_text())["gsd_m"] == 0.25
    result = CliRunner().invoke(app, ["import-resdepth", *paths[:-1], "--gsd-m", "0.25", "--out", str(out)])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: 1 normalisation files were given")

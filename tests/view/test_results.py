"""Results of the workflow: scenes and methods are found, and compared as they are scored."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS
from typer.testing import CliRunner
from view_cases import GRID, HOLE, chunk, decoded, houses, surfaces

from img2height.cli.app import app
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.io.tables import write_table
from img2height.scenes.about import ABOUT as ABOUT_FILE
from img2height.scenes.about import write_about
from img2height.scenes.scene import Scene, SceneLayer
from img2height.settings.dataset import About
from img2height.view.frame import TILE

ABOUT = {"title": "City", "source": "us", "licence": "CC0", "vertical_reference": "metres above ground"}
TERRAIN_M = np.float32(120.5)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a prepared scene, a scene of the same name elsewhere, and the results of three methods."""
    top = tmp_path_factory.mktemp("tree")
    for dataset, crs in (("city", 32633), ("town", 32634)):
        write_scene(top / "scenes" / dataset / "south", dataset, Grid(CRS.from_epsg(crs), *grid_parts()))
    predicted, _ = surfaces()
    for name, heights, quantity in (
        ("unet/oof/seed0", predicted, "ndsm"),
        ("unet/oof/seed1", predicted + 1, "ndsm"),
        ("stereo/oof/seed0", predicted + TERRAIN_M, "dsm"),
    ):
        folder = top / "results" / name / "south"
        folder.mkdir(parents=True)
        write_cog(folder / "height.tif", heights, GRID, [height_band(quantity)], nodata=-9999)
        write_table(houses(), folder / "buildings.parquet")
    return top


def grid_parts() -> tuple:
    return GRID.transform, GRID.width, GRID.height


def write_scene(folder: Path, dataset: str, grid: Grid) -> None:
    folder.mkdir(parents=True)
    heights = {"ndsm": surfaces()[1], "dtm": np.full(grid.shape, TERRAIN_M)}
    for name, array in heights.items():
        write_cog(folder / f"{name}.tif", array, grid, [height_band(name)], nodata=-9999)
    write_cog(folder / "eo.tif", np.full((1, *grid.shape), 90, np.uint8), grid, [Band("pan")])
    write_table(houses(grid), folder / "buildings.parquet")
    layers = {name: SceneLayer.of(folder / f"{name}.tif", [name], "metre") for name in heights}
    layers |= {
        "eo": SceneLayer.of(folder / "eo.tif", ["pan"]),
        "buildings": SceneLayer.of(folder / "buildings.parquet"),
    }
    Scene(folder, dataset, "south", grid, layers).save()
    write_about(About(**ABOUT), folder.parent / ABOUT_FILE)


def view(tree: Path, out: Path, *folders: str, scenes: str = "scenes"):
    given = [str(tree / "results" / folder) for folder in folders]
    return CliRunner().invoke(app, ["view", *given, "--scenes", str(tree / scenes), "--out", str(out)])


def test_an_experiment_is_shown_with_all_methods_and_seeds(tree: Path, tmp_path: Path) -> None:
    result = view(tree, tmp_path / "map", "")
    assert result.exit_code == 0, result.output
    manifest = chunk(tmp_path / "map", "manifest")
    assert manifest["title"] == "results"
    (scene,) = manifest["scenes"]
    assert (scene["title"], scene["about"], scene["footprints"]) == ("city/south", ABOUT, True)
    names = [(method["name"], method["quantity"], method["reference"]) for method in scene["methods"]]
    above = "height above ground"
    assert names == [("stereo", above, 0), ("unet, seed 0", above, 0), ("unet, seed 1", above, 0)]
    assert not (tmp_path / "map/data/0/reference1").exists()


def test_experiments_are_told_apart(tree: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        shutil.copytree(tree / "results/unet/oof/seed0", tmp_path / name / "unet/oof/seed0")
    folders = [str(tmp_path / name) for name in ("first", "second")]
    result = CliRunner().invoke(app, ["view", *folders, "--scenes", f"{tree}/scenes", "--out", f"{tmp_path}/map"])
    assert result.exit_code == 0, result.output
    (scene,) = chunk(tmp_path / "map", "manifest")["scenes"]
    assert [method["name"] for method in scene["methods"]] == ["unet (first)", "unet (second)"]


def test_a_surface_is_shown_above_the_terrain_as_it_is_scored(tree: Path, tmp_path: Path) -> None:
    assert view(tree, tmp_path / "map", "stereo").exit_code == 0
    found = decoded(chunk(tmp_path / "map", "0/method0/0-0-0"))
    predicted = surfaces()[0][:TILE, :TILE]
    assert np.nanmax(np.abs(found - predicted)) <= 0.0051
    assert np.isnan(found[HOLE]).all()


def test_reference_buildings_have_the_heights_of_both_inside(tree: Path, tmp_path: Path) -> None:
    assert view(tree, tmp_path / "map", "unet/oof/seed1").exit_code == 0
    assert chunk(tmp_path / "map", "0/footprints")["reference"] == [6, 9]
    assert np.allclose(chunk(tmp_path / "map", "0/method0/footprints"), [7.25, 10.25], atol=0.1)


def test_a_scene_that_is_not_prepared(tree: Path, tmp_path: Path) -> None:
    for scenes, found in (("results", "found 0 of that name"), ("scenes/town", "found 1 of that name, 0")):
        result = view(tree, tmp_path / "map", "unet", scenes=scenes)
        assert result.exit_code == 2
        assert found in result.stderr

"""A replaced delivered file makes its scene again, whatever it is a part of and however old it is."""

import os

import geopandas
import pytest
import rasterio.shutil
import yaml
from raw_cases import NORTH, SIDE, WEST, deliver
from shapely import box
from workflow_tree import Tree

SCENE = "data/scenes/mine/town/scene.json"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a checkout in which a scene was prepared from a mosaic, rasters and a shapefile."""
    tree = Tree(tmp_path_factory.mktemp("tree"), experiment="mine")
    raw = tree.folder / "data/raw/mine"
    layers = deliver(raw)
    (raw / "eo.tif").rename(raw / "part.tif")
    rasterio.shutil.copy(raw / "part.tif", raw / "eo.vrt", driver="VRT")
    houses = geopandas.GeoDataFrame({"height_m": [9.0]}, geometry=[box(WEST, NORTH - SIDE, WEST + 9, NORTH)], crs=32633)
    houses.to_file(raw / "houses.shp")
    del layers["building"]
    layers |= {"eo": {"path": "eo.vrt"}, "building_polygons": {"path": "houses.shp"}}
    about = {"name": "mine", "title": "t", "source": "s", "licence": "l", "vertical_reference": "v"}
    experiment = {"name": "mine", "title": "t", "scenes": {"mine": {"town": "split"}}, "methods": ["mean_height"]}
    files = {"datasets": {**about, "scenes": {"town": {"layers": layers}}}, "experiments": experiment}
    for folder, content in files.items():
        (tree.folder / f"config/test/{folder}/mine.yaml").write_text(yaml.safe_dump(content))
    tree.make("--cores", "1", SCENE)
    return tree


@pytest.mark.parametrize("name", ["part.tif", "houses.dbf", "dsm.tif"])
def test_a_part_that_is_replaced_counts(town, name):
    assert town.planned(SCENE) == {}
    assert replaced(town, name, newer=True) == {"prepare_scene": 1}


def test_a_part_replaced_by_an_older_one_counts(town):
    assert replaced(town, "part.tif", newer=False) == {"prepare_scene": 1}


def replaced(tree: Tree, name: str, newer: bool) -> dict[str, int]:
    """Return the planned jobs while a delivered file is replaced by another."""
    path = tree.folder / "data/raw/mine" / name
    times = path.stat().st_atime, path.stat().st_mtime
    content = path.read_bytes()
    path.write_bytes(content + b"\0")
    if not newer:
        os.utime(path, (1e9, 1e9))
    try:
        return tree.planned(SCENE)
    finally:
        path.write_bytes(content)
        os.utime(path, times)


def test_weights_of_an_encoder_that_are_replaced_count(town):
    """A training depends on the file that its recipe names."""
    name, target = "encoder.safetensors", "models/mine/mobilenetv2/fold0/seed0/card.json"
    recipe = f"methods:\n- mobilenetv2\nrecipes: {{mobilenetv2: {{options: {{weights: {name}}}}}}}"
    with town.edited("config/test/experiments/mine.yaml", "methods:\n- mean_height", recipe):
        refused = town.run("snakemake", "-n", target)
        (town.folder / name).touch()
        planned = town.planned(target)
    assert "MissingInputException" in refused.stdout
    assert name in refused.stdout
    assert planned["train"] == 1

"""The real scenes through preparation, tiles, folds and audit; skipped with a reason if they are absent."""

from pathlib import Path

import numpy as np
import pytest

from img2height.io.rasters import open_raster, read_heights
from img2height.scenes.prepare import prepare_scene
from img2height.scenes.quality import quality_report
from img2height.scenes.scene import Scene
from img2height.settings.dataset import Dataset
from img2height.settings.project import load_named, load_project
from img2height.tiles.audit import audit_folds
from img2height.tiles.folds import IndexedScene, split_folds
from img2height.tiles.index import index_tiles
from img2height.tiles.record import refuse_leaks

ROOT = Path(__file__).parents[1]


def prepare(described: Dataset, name: str, raw: Path, folder: Path) -> Scene:
    """Return a scene of a dataset file, prepared."""
    return prepare_scene(
        described.scenes[name], dataset=described.name, name=name, raw=raw, grid=described.grid,
        folder=folder / name,
    )  # fmt: skip


@pytest.mark.real
@pytest.mark.parametrize(("name", "tallest_m"), [("woodford", 45), ("autzen", 50)])
def test_a_real_scene_is_ready_to_train_on(tmp_path: Path, name: str, tallest_m: float) -> None:
    raw = ROOT / "data/raw" / name
    if not (raw / "rgb.tif").exists():
        pytest.skip(f"the delivered files of {name} are not in data/raw/{name}; see README.md")
    config = ROOT / "config"
    project = load_project(
        name, params=ROOT / "params.yaml", experiments=config / "experiments", datasets=config / "datasets",
        methods=config / "methods",
    )  # fmt: skip
    ((_, scene_name, role),) = project.scenes
    scene = prepare(project.datasets[name], scene_name, raw, tmp_path)
    with open_raster(scene.path("ndsm")) as raster:
        heights = read_heights(raster)
        assert raster.units == ("metre",)
    assert np.nanmin(heights) >= 0
    assert 10 < np.nanmax(heights) <= tallest_m
    tiles = index_tiles(scene, project.params.tiling)
    split = project.params.split
    folds = split_folds(
        [IndexedScene(scene, role, tiles)], split, tile_px=project.params.tiling.tile_px, folds=project.folds
    )
    refuse_leaks(audit_folds([scene], folds.tiles, folds.areas, split.buffer_m))
    assert (folds.tiles.groupby("part").size() >= 10).all()


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "scene_name", "layers", "valid"),
    [
        ("reunion", "rim", {"dsm_initial", "dsm_filled", "view_1"}, (0.97, 1.0)),
        ("rotterdam", "harbour", {"eo", "sar"}, (0.6, 0.62)),
        ("brazil", "lowland", {"ms", "dtm"}, (0.99, 1.0)),
    ],
)
def test_scenes_of_other_sensors_are_prepared(
    tmp_path: Path, name: str, scene_name: str, layers: set[str], valid: tuple[float, float]
) -> None:
    raw = ROOT / "data/raw" / name
    described = load_named(Dataset, ROOT / "config/datasets", name)
    files = [raw / layer.path for _, layer in described.scenes[scene_name].layers.items()]
    if missing := [file.name for file in files if not file.exists()]:
        pytest.skip(f"{', '.join(missing)} not in data/raw/{name}; see the dataset file")
    scene = prepare(described, scene_name, raw, tmp_path)
    assert set(scene.layers) == layers
    least = {"reunion": "dsm_initial", "rotterdam": "sar", "brazil": "ms"}[name]
    with open_raster(scene.path(least)) as raster:
        share = (raster.dataset_mask() > 0).mean()
    assert valid[0] <= share <= valid[1]
    assert quality_report(scene)["layers"].keys() == layers

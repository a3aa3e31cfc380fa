"""The real scenes through preparation, tiles, folds and audit; skipped with a reason where they are absent."""

from pathlib import Path

import numpy as np
import pytest

from img2height.project import load_project
from img2height.rasters import open_raster, read_heights
from img2height.scenes.prepare import prepare_scene
from img2height.tiles.audit import audit_folds, refuse_leaks
from img2height.tiles.folds import split_folds
from img2height.tiles.index import index_tiles

ROOT = Path(__file__).parents[1]


@pytest.mark.real
@pytest.mark.parametrize(("name", "tallest_m"), [("woodford", 45), ("autzen", 50)])
def test_a_real_scene_is_ready_to_train_on(tmp_path: Path, name: str, tallest_m: float) -> None:
    raw = ROOT / "data/raw" / name
    if not (raw / "rgb.tif").exists():
        pytest.skip(f"the delivered files of {name} are not in data/raw/{name}; README.md says where they come from")
    config = ROOT / "config"
    project = load_project(
        name, params=ROOT / "params.yaml", experiments=config / "experiments", datasets=config / "datasets",
        methods=config / "methods",
    )  # fmt: skip
    ((dataset, scene_name, role),) = project.scenes
    described = project.datasets[dataset]
    scene = prepare_scene(
        described.scenes[scene_name], dataset=dataset, name=scene_name, raw=raw, grid=described.grid,
        about={"vertical_reference": described.vertical_reference}, folder=tmp_path / scene_name,
    )  # fmt: skip
    with open_raster(scene.path("ndsm")) as raster:
        heights = read_heights(raster)
        assert raster.units == ("metre",)
    assert np.nanmin(heights) >= 0
    assert 10 < np.nanmax(heights) <= tallest_m
    tiles = index_tiles(scene, project.params.tiling)
    split = project.params.split
    folds = split_folds([scene], [role], [tiles], split, tile_px=project.params.tiling.tile_px, folds=project.folds)
    refuse_leaks(audit_folds([scene], folds.tiles, folds.areas, split.buffer_m))
    assert (folds.tiles.groupby("part").size() >= 10).all()

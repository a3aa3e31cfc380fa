"""Scenes that a method cannot be trained on and tested on together are refused before it is trained."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from affine import Affine
from script_steps import Steps, files
from shapely.geometry import box

from img2height.io.tables import write_json, write_table
from img2height.scenes.scene import Scene, SceneLayer


def with_layer(scene: Scene, layer: SceneLayer) -> Scene:
    return replace(scene, layers=scene.layers | {"eo": layer})


def as_it_is(scene: Scene) -> Scene:
    return scene


def of_16_bits(scene: Scene) -> Scene:
    path = scene.path("eo")
    with rasterio.open(path) as raster:
        profile, values = raster.profile, raster.read()
    with rasterio.open(path, "w", **{**profile, "driver": "GTiff", "dtype": "uint16"}) as out:
        out.write(values.astype(np.uint16))
    return with_layer(scene, SceneLayer.of(path, scene.layers["eo"].bands))


def without_blue(scene: Scene) -> Scene:
    return with_layer(scene, replace(scene.layers["eo"], bands=["red", "green", "nir"]))


def of_larger_pixels(scene: Scene, side_m: float = 1.3) -> Scene:
    grid = scene.grid
    return replace(scene, grid=replace(grid, transform=grid.transform @ Affine.scale(side_m)))


def of_slightly_larger_pixels(scene: Scene) -> Scene:
    return of_larger_pixels(scene, 1.2)


def audit(steps: Steps, folder: Path, change: Callable[[Scene], Scene], part: str) -> list:
    """Return the flags of the audit of a method on a scene and a changed copy of it, which has one part."""
    scene = Scene.load(steps.scene)
    copied = shutil.copytree(scene.folder, folder / "copy")
    other = change(replace(scene, folder=copied, name="t", layers=dict(scene.layers)))
    listing, areas = folder / "scenes.json", folder / "areas.parquet"
    manifests = [steps.scene, other.save()]
    write_json([{"manifest": str(path), "role": "train", "sha256": ""} for path in manifests], listing)
    rows = [("train", "s"), ("val", "s"), ("test", "s"), (part, "t")]
    table = {"fold": 0, "part": [part for part, _ in rows], "dataset": "d", "scene": [name for _, name in rows]}
    outlines = [box(16 * n, 0, 16 * n + 16, 64) for n in range(len(rows))]
    write_table(geopandas.GeoDataFrame(table, geometry=outlines), areas)
    replaced = {steps.listing: listing, steps.areas: areas}
    return [replaced.get(flag, flag) for flag in steps.audit_coverage(folder / "out")]


@pytest.mark.parametrize(
    ("change", "part", "words"),
    [
        (of_16_bits, "test", "layer eo of scene d/t is uint16, but uint8 in the training scenes"),
        (of_16_bits, "val", "layer eo of scene d/t is uint16, but uint8 in the training scenes"),
        (of_16_bits, "train", "layer eo has different data types: d/s uint8, d/t uint16"),
        (without_blue, "test", r"scene d/t: layer eo has the bands red, green, nir, not blue"),
        (without_blue, "train", r"scene d/t: layer eo has the bands red, green, nir, not blue"),
        (of_larger_pixels, "test", r"scene d/t has pixels of 1\.3 m, but the training scene d/s of 1 m"),
        (of_larger_pixels, "val", r"scene d/t has pixels of 1\.3 m, but the training scene d/s of 1 m"),
    ],
)
def test_a_scene_unlike_the_others_is_refused(program, steps, tmp_path, change, part, words):
    program("audit_coverage", audit(steps, tmp_path, change, part)).refused(words)
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize("change", [as_it_is, of_slightly_larger_pixels])
def test_a_scene_like_the_others_passes(program, steps, tmp_path, change):
    assert program("audit_coverage", audit(steps, tmp_path, change, "test")).status == 0
    assert files(tmp_path / "out") == ["coverage.json"]

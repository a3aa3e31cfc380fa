"""Turns delivered layers of any CRS, pixel size, extent, type and nodata into one scene on one grid."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from img2height.errors import DataError
from img2height.io.atomic import atomic_folder
from img2height.io.grid import Grid
from img2height.io.rasters import copy_to_cog, create_scratch, height_band, open_raster, read_heights
from img2height.io.tables import write_table
from img2height.scenes.footprints import burn_footprints, read_footprints
from img2height.scenes.initial import fill_initial
from img2height.scenes.pairs import PAIRS, write_pairs
from img2height.scenes.scene import Scene, SceneLayer
from img2height.scenes.sources import Source, check_raster, target_grid
from img2height.scenes.warp import bring_to_grid, source_window
from img2height.settings.dataset import Layer, SceneFile, TargetGrid
from img2height.vocabulary.layers import NODATA

POLYGONS = "building_polygons"


def prepare_scene(
    scene_file: SceneFile, *, dataset: str, name: str, raw: Path, grid: TargetGrid, about: dict[str, str], folder: Path
) -> Scene:
    """Return the scene prepared from delivered layers; its folder appears, or is replaced, as a whole.

    Every layer is checked before the first one is written.

    Args:
        scene_file: the layers as delivered.
        dataset: name of the dataset.
        name: name of the scene.
        raw: folder to which the layers' paths are relative.
        grid: the CRS and pixel size that the dataset requests; by default the grid of the first layer.
        about: title, source, licence and vertical reference.
        folder: where the scene is written.

    Raises:
        DataError: a layer cannot be used; the message says which one, why and what to declare.
    """
    layers = dict(scene_file.layers.items())
    sources = [check_raster(layer, declared, raw) for layer, declared in layers.items() if layer != POLYGONS]
    _check_views([source for source in sources if source.kind == "view"])
    ground = target_grid(sources[0].path, grid)
    for source in sources:
        _check_overlap(source, ground)
    footprints = read_footprints(layers[POLYGONS], raw, ground) if POLYGONS in layers else None
    with atomic_folder(folder) as made:
        for source in sources:
            bring_to_grid(source, ground, made / f"{source.name}.tif")
        if {"dsm", "dtm"} <= layers.keys() and "ndsm" not in layers:
            _subtract_terrain(made, ground)
        if "dsm_initial" in layers and "dsm_filled" not in layers:
            fill_initial(made, ground)
        if footprints is not None:
            write_table(footprints, made / "buildings.parquet")
            if "building" not in layers:
                burn_footprints(footprints, ground, made / "building.tif")
        if scene_file.pairs:
            write_pairs(scene_file.pairs, made / PAIRS)
        scene = Scene(made, dataset, name, ground, _list_layers(made, layers), about)
        scene.save()
    return replace(scene, folder=folder)


def _check_views(views: Sequence[Source]) -> None:
    if len({view.dtype for view in views}) > 1:
        found = ", ".join(f"{view.path} {view.dtype}" for view in views)
        raise DataError(f"the views have different data types: {found}; convert them to one")


def _check_overlap(source: Source, grid: Grid) -> None:
    with open_raster(source.path) as dataset:
        source_window(source, dataset, grid)


def _subtract_terrain(folder: Path, grid: Grid) -> None:
    """Write ndsm = max(dsm - dtm, 0), missing where either is."""
    scratch = folder / ".ndsm.tif"
    known = 0
    with (
        open_raster(folder / "dsm.tif") as surface,
        open_raster(folder / "dtm.tif") as terrain,
        create_scratch(scratch, grid, [height_band("ndsm")], "float32", NODATA) as out,
    ):
        for block in grid.blocks():
            above = np.maximum(read_heights(surface, block) - read_heights(terrain, block), 0)
            known += int(np.isfinite(above).sum())
            out.write(np.where(np.isfinite(above), above, np.float32(NODATA)), block)
    if not known:
        raise DataError("dsm and dtm have no valid pixel in common, so there is no height above ground; check extents")
    copy_to_cog(scratch, folder / "ndsm.tif")
    scratch.unlink()


def _list_layers(folder: Path, declared: dict[str, Layer]) -> dict[str, SceneLayer]:
    layers = {}
    for path in sorted(folder.glob("*.tif")):
        look = declared[path.stem].look_azimuth_deg if path.stem in declared else None
        with open_raster(path) as dataset:
            bands, unit = list(dataset.descriptions), dataset.units[0] or ""
        layers[path.stem] = SceneLayer.of(path, bands, unit, look)
    for name, file in (("buildings", "buildings.parquet"), ("pairs", PAIRS)):
        if (path := folder / file).exists():
            layers[name] = SceneLayer.of(path)
    return layers

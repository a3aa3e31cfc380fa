"""Turns delivered layers of any CRS, pixel size, extent, type and nodata into one scene on one grid."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from img2height.errors import DataError
from img2height.io.atomic import atomic_folder
from img2height.io.clouds import Cloud, Stated
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster
from img2height.io.tables import write_table
from img2height.io.verticals import Vertical, height_shift, named_vertical
from img2height.scenes.above_ground import subtract_terrain
from img2height.scenes.clouds import check_clouds, converted_clouds
from img2height.scenes.displacement import Model, measure, move_back
from img2height.scenes.filling import MARK_OF, fill_layer, missing_below
from img2height.scenes.footprints import burn_footprints, burn_heights, burn_walls, read_footprints
from img2height.scenes.ground import estimate_terrain
from img2height.scenes.pairs import PAIRS, write_pairs
from img2height.scenes.points import grid_points, origin_stated
from img2height.scenes.scene import Scene, SceneLayer
from img2height.scenes.sources import Source, check_raster, target_grid
from img2height.scenes.warp import bring_to_grid, source_window
from img2height.settings.dataset import Layer, SceneFile, TargetGrid, of_polygons
from img2height.vocabulary.layers import INITIAL, LAYERS

logger = logging.getLogger(__name__)

POLYGONS = "building_polygons"


def prepare_scene(
    scene_file: SceneFile, *, dataset: str, name: str, raw: Path, grid: TargetGrid, folder: Path
) -> Scene:
    """Return the scene prepared from delivered layers; its folder appears, or is replaced, as a whole.

    Every layer is checked before the first one is written.

    Args:
        scene_file: the layers as delivered.
        dataset: name of the dataset.
        name: name of the scene.
        raw: folder to which the layers' paths are relative.
        grid: the CRS and pixel size that the dataset requests; by default the grid of the first layer.
        folder: where the scene is written.

    Raises:
        DataError: a layer cannot be used; the message says which one, why and what to declare.
    """
    layers = dict(scene_file.layers.items())
    rasters = {layer: declared for layer, declared in layers.items() if not of_polygons(layer, declared)}
    sources = [check_raster(layer, declared, raw, scene_file.allow) for layer, declared in rasters.items()]
    points = scene_file.points
    clouds = check_clouds([raw / points.path], Stated(points.crs, points.unit, points.vertical)) if points else []
    _check_views([source for source in sources if source.kind == "view"])
    if "vertical_reference" not in scene_file.allow and grid.vertical is None:
        _check_vertical_systems(sources, clouds)
    ground = target_grid(sources[0].path, grid)
    if grid.vertical is not None:
        target = named_vertical(grid.vertical)
        sources = [_converted(source, target, ground) for source in sources]
        clouds = converted_clouds(clouds, target, ground)
    for source in sources:
        _check_overlap(source, ground)
    footprints = read_footprints(layers[POLYGONS], raw, ground) if POLYGONS in layers else None
    burnt = read_footprints(layers["ndsm"], raw, ground) if "ndsm" in layers.keys() - rasters.keys() else None
    with atomic_folder(folder) as made:
        for source in sources:
            bring_to_grid(source, ground, made / f"{source.name}.tif")
        if points:
            terrain = scene_file.ground_filter or scene_file.makes_terrain
            grid_points(clouds, ground, points, terrain, made)
        elif scene_file.ground_filter:
            estimate_terrain(made, ground, scene_file.ground_filter)
        if set(LAYERS["ndsm"].made_of) <= set(scene_file.names):
            if MARK_OF["dtm"] not in layers and not scene_file.makes_terrain:
                _fill_terrain(made, ground)
            if "ndsm" not in layers:
                subtract_terrain(made, ground, any_level="ground_level" in scene_file.allow)
        if burnt is not None:
            burn_heights(burnt, ground, made / "ndsm.tif")
        if INITIAL in layers and MARK_OF[INITIAL] not in layers:
            fill_layer(made, ground, INITIAL)
        moved = _register(made, ground, scene_file.registration) if scene_file.registration else {}
        if footprints is not None:
            write_table(footprints, made / "buildings.parquet")
            for mask, burn in (("building", burn_footprints), ("wall", burn_walls)):
                if mask not in layers:
                    burn(footprints, ground, made / f"{mask}.tif")
        if scene_file.pairs:
            write_pairs(scene_file.pairs, made / PAIRS)
        scene = Scene(made, dataset, name, ground, _list_layers(made, layers, sources, clouds, moved))
        scene.save()
    return replace(scene, folder=folder)


def _check_views(views: Sequence[Source]) -> None:
    if len({view.dtype for view in views}) > 1:
        found = ", ".join(f"{view.path} {view.dtype}" for view in views)
        raise DataError(f"the views have different data types: {found}; convert them to one")


def _check_vertical_systems(sources: Sequence[Source], clouds: Sequence[Cloud]) -> None:
    """Raise a DataError if heights of one scene state different vertical systems."""
    named = {source.name: source.vertical.name for source in sources if source.vertical}
    if clouds and (system := clouds[0].vertical):  # of all, see `check_clouds`
        named["points"] = system.name
    if len(set(named.values())) > 1:
        found = ", ".join(f"{name} {system}" for name, system in named.items())
        raise DataError(
            f"the heights refer to different vertical systems: {found}; convert them to one (grid: {{vertical: …}} in "
            "the dataset file), or, if the difference does not matter, set allow: [vertical_reference] for the scene "
            "in the dataset file"
        )


def _converted(source: Source, target: Vertical, grid: Grid) -> Source:
    """Return a source of heights with its conversion to a vertical system; heights above ground have none."""
    if source.kind != "height" or source.name == "ndsm":
        return source
    if source.vertical is None:
        raise DataError(
            f"{source.path}: layer {source.name} cannot be converted to {target.name}, because its vertical system is "
            "neither stated nor declared; declare it, e.g. vertical: EPSG:7837"
        )
    with open_raster(source.path) as raster:
        own = Grid.of(raster)
    return replace(source, shift=height_shift(source.vertical, target, own.crs, grid.place), converted=target.name)


def _register(folder: Path, grid: Grid, model: Model) -> dict[str, Any]:
    """Move the image onto the heights and return what was measured."""
    with open_raster(folder / "eo.tif") as image, open_raster(folder / "ndsm.tif") as heights:
        displacement = measure(model, image, heights, grid)
    logger.info("the image is moved by up to %.2f m to lie on the heights", displacement.farthest_m)
    move_back(folder / "eo.tif", grid, displacement)
    return displacement.record


def _fill_terrain(folder: Path, grid: Grid) -> None:
    """Fill the terrain under buildings and trees where it was cut out of the delivered model, and mark it."""
    if count := missing_below(folder, grid):
        filled = fill_layer(folder, grid, "dtm")
        logger.warning(
            "dtm: missing on %d valid pixels of the dsm; %d pixels were filled from their surroundings",
            count,
            filled,
        )


def _check_overlap(source: Source, grid: Grid) -> None:
    with open_raster(source.path) as dataset:
        source_window(source, dataset, grid)


def _list_layers(
    folder: Path, declared: dict[str, Layer], sources: Sequence[Source], clouds: Sequence[Cloud], moved: dict[str, Any]
) -> dict[str, SceneLayer]:
    layers = {}
    applied = {source.name: source.applied for source in sources}
    if moved:
        applied["eo"] |= {"registration": moved}
    if clouds:
        made = [name for name in ("dsm", "dtm") if name not in declared]
        applied |= {name: origin_stated(folder / f"{name}.tif") for name in made}
    for path in sorted(folder.glob("*.tif")):
        look = declared[path.stem].look_azimuth_deg if path.stem in declared else None
        with open_raster(path) as dataset:
            bands, unit = list(dataset.descriptions), dataset.units[0] or ""
        layers[path.stem] = SceneLayer.of(path, bands, unit, look, applied.get(path.stem, {}))
    for name, file in (("buildings", "buildings.parquet"), ("pairs", PAIRS)):
        if (path := folder / file).exists():
            layers[name] = SceneLayer.of(path)
    return layers

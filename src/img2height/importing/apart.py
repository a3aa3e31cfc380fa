"""Divides a scene whose tiles lie in places far apart, so that no raster of it is mostly empty."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from img2height.importing.adapter import Pieces, Scene
from img2height.io.clouds import extent_of
from img2height.io.rasters import open_raster
from img2height.vocabulary.storage import CLOUDS, VECTORS

MOSTLY = 4  # a mosaic at least this many times as large as its tiles is mostly empty


def divide_places(scenes: Mapping[str, Scene]) -> dict[str, Scene]:
    """Return scenes whose tiles are neighbours; a scene with distant groups of tiles becomes one scene per group.

    Tiles are neighbours if they are less than a tile apart. Files of other layers, such as heights in larger tiles,
    belong to each group that they overlap.
    """
    found = {}
    for name, scene in scenes.items():
        groups = [scene.pieces] if scene.chip_gsd_m else _groups(scene)
        for number, pieces in enumerate(groups, start=1):
            found[name if len(groups) == 1 else f"{name}_{number}"] = replace(scene, pieces=pieces)
    return found


def _groups(scene: Scene) -> list[Pieces]:
    first = next((layer for layer in scene.layers if any(layer in files for files in scene.pieces.values())), None)
    tiles = {name: _box(files[first]) for name, files in scene.pieces.items() if first in files} if first else {}
    boxes = np.array(list(tiles.values()))
    if len(boxes) < 2 or shapely.box(*shapely.total_bounds(boxes)).area < MOSTLY * shapely.area(boxes).sum():
        return [scene.pieces]
    side = np.sqrt(shapely.area(boxes).max())
    one, other = shapely.STRtree(boxes).query(boxes, predicate="dwithin", distance=side)
    links = coo_array((np.ones(len(one)), (one, other)), shape=(len(boxes), len(boxes)))
    count, labels = connected_components(links, directed=False)
    groups = [dict.fromkeys(np.array(list(tiles))[labels == number].tolist()) for number in range(count)]
    areas = [shapely.union_all(boxes[labels == number]) for number in range(count)]
    rest = {name: _box(next(iter(files.values()))) for name, files in scene.pieces.items() if name not in tiles}
    for group, area in zip(groups, areas, strict=True):
        group |= dict.fromkeys(name for name, box in rest.items() if box is None or area.intersects(box))
    return [{name: scene.pieces[name] for name in group} for group in groups]


def _box(file: Path) -> shapely.Polygon | None:
    """Return the extent of a raster or point cloud in its own coordinates; None for a vector file."""
    if file.suffix.lower() in VECTORS:
        return None
    if file.suffix.lower() in CLOUDS:
        return shapely.box(*extent_of(file)[0])
    with open_raster(file) as raster:
        return shapely.box(*raster.bounds)

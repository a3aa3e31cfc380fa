"""Divides a scene whose tiles lie in places far apart, so that no raster of it is mostly empty."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from rasterio.crs import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from img2height.importing.adapter import Pieces, Scene
from img2height.io.clouds import extent_of
from img2height.io.projections import place_of, reproject_bounds
from img2height.io.rasters import open_raster
from img2height.io.values import horizontal
from img2height.vocabulary.storage import CLOUDS, VECTORS

LOG = logging.getLogger(__name__)
MOSTLY = 4  # a mosaic at least this many times as large as its tiles is mostly empty


class _Place(NamedTuple):
    """Where a file lies.

    Attributes:
        box: its extent in its own coordinates.
        crs: their system; None: nothing states it.
    """

    box: BaseGeometry
    crs: CRS | None


def divide_places(scenes: Mapping[str, Scene]) -> dict[str, Scene]:
    """Return scenes whose tiles are neighbours; a scene with distant groups of tiles becomes one scene per group.

    Tiles are neighbours if they are less than a tile apart, and in one coordinate system. Files of other layers, such
    as heights in larger tiles, belong to each group that they overlap; without a coordinate system, to all groups.
    """
    found = {}
    for name, scene in scenes.items():
        groups = [scene.pieces] if scene.chip_gsd_m else _groups(name, scene)
        for number, pieces in enumerate(groups, start=1):
            found[name if len(groups) == 1 else f"{name}_{number}"] = replace(scene, pieces=pieces)
    return found


def _groups(name: str, scene: Scene) -> list[Pieces]:
    """Return the pieces of each group of neighbouring tiles."""
    first = next((layer for layer in scene.layers if any(layer in files for files in scene.pieces.values())), None)
    located = {piece: _place(files[first], scene.crs) for piece, files in scene.pieces.items() if first in files}
    tiles = {piece: place for piece, place in located.items() if place}
    systems = _systems(tiles)
    if len(systems) > 1:
        LOG.warning("scene %s: its %s has %d coordinate systems, which become scenes", name, first, len(systems))
    groups = [group for system in systems for group in _neighbours(system)]
    if len(groups) < 2:
        return [scene.pieces]
    rest = {piece: files for piece, files in scene.pieces.items() if piece not in tiles}
    others = _others(rest, scene.crs, [[tiles[piece] for piece in group] for group in groups])
    if lost := rest.keys() - {piece for found in others for piece in found}:
        files = [str(file) for piece, there in rest.items() if piece in lost for file in there.values()]
        LOG.warning("scene %s: left out %d files that overlap no %s, e.g. %s", name, len(files), first, files[0])
    return [
        {piece: scene.pieces[piece] for piece in [*group, *found]} for group, found in zip(groups, others, strict=True)
    ]


def _others(rest: Pieces, declared: str | None, groups: Sequence[Sequence[_Place]]) -> list[list[str]]:
    """Return which other pieces belong to each group of tiles."""
    places = {piece: _place(next(iter(files.values())), declared) for piece, files in rest.items()}
    areas = [_Place(shapely.union_all([tile.box for tile in group]), group[0].crs) for group in groups]
    return [[piece for piece, place in places.items() if place is None or _overlap(place, area)] for area in areas]


def _systems(tiles: Mapping[str, _Place]) -> list[dict[str, BaseGeometry]]:
    """Return the extents of the tiles of each coordinate system."""
    found: list[tuple[CRS | None, dict[str, BaseGeometry]]] = []
    for piece, (box, crs) in tiles.items():
        same = next((boxes for system, boxes in found if system == crs), None)
        if same is None:
            found.append((crs, same := {}))
        same[piece] = box
    return [boxes for _, boxes in found]


def _neighbours(tiles: Mapping[str, BaseGeometry]) -> list[list[str]]:
    """Return the groups of neighbouring tiles of one system; one group if a mosaic of all would not be mostly empty."""
    boxes = np.array(list(tiles.values()))
    if shapely.box(*shapely.total_bounds(boxes)).area < MOSTLY * shapely.area(boxes).sum():
        return [list(tiles)]
    side = np.sqrt(shapely.area(boxes).max())
    one, other = shapely.STRtree(boxes).query(boxes, predicate="dwithin", distance=side)
    links = coo_array((np.ones(len(one)), (one, other)), shape=(len(boxes), len(boxes)))
    count, labels = connected_components(links, directed=False)
    return [np.array(list(tiles))[labels == number].tolist() for number in range(count)]


def _overlap(place: _Place, area: _Place) -> bool:
    """Return whether a file may overlap an area: in another system by its box there, without a system anywhere."""
    if place.crs == area.crs:
        return area.box.intersects(place.box)
    if place.crs is None or area.crs is None:
        return True
    bounds = reproject_bounds(place.box.bounds, place.crs, area.crs, place_of(area.box.bounds, area.crs))
    return all(map(math.isfinite, bounds)) and area.box.intersects(shapely.box(*bounds))


def _place(file: Path, declared: str | None) -> _Place | None:
    """Return where a raster or point cloud lies; None for a vector file.

    Args:
        file: the file.
        declared: coordinate system of files that state none, if any.
    """
    if file.suffix.lower() in VECTORS:
        return None
    if file.suffix.lower() in CLOUDS:
        bounds, crs = extent_of(file)
    else:
        with open_raster(file) as raster:
            bounds, crs = raster.bounds, horizontal(raster.crs)
    if crs is None and declared:
        crs = CRS.from_user_input(declared)
    located = crs is not None and (crs.is_projected or crs.is_geographic)  # a local system is refused later
    return _Place(shapely.box(*bounds), crs if located else None)

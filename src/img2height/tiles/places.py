"""Groups scenes that overlap, such as several dates or common margins, into places that are split as one."""

import math
from collections.abc import Sequence

import geopandas
import numpy as np
from rasterio.windows import Window
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from img2height.io.grid import Grid
from img2height.scenes.listing import ListedScene
from img2height.settings.protocol import Split
from img2height.tiles.areas import in_squares
from img2height.tiles.buffers import ROUNDING_PX, neighbours, whole_pixels
from img2height.tiles.layout import PartAreas, SceneParts, divide
from img2height.tiles.regions import divide_by_regions
from img2height.vocabulary.parts import SPLIT

LEAST_PX2 = 1.0  # a smaller overlap is rounding of coordinates


def find_places(listing: Sequence[ListedScene]) -> list[list[int]]:
    """Return the numbers of the scenes with the role split, grouped where they overlap, also in a chain."""
    divided = [index for index, listed in enumerate(listing) if listed.role == SPLIT]
    scenes = [listing[index].scene for index in divided]
    near, grids = neighbours(scenes, 0.0), [scene.grid for scene in scenes]
    pairs = [(a, b) for a, others in near.items() for b in others if _overlap(grids[a], grids[b])]
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    links = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(divided), len(divided)))
    count, labels = connected_components(links, directed=False) if divided else (0, np.array([]))
    return [[divided[index] for index in np.flatnonzero(labels == number)] for number in range(count)]


def _overlap(grid: Grid, other: Grid) -> bool:
    return grid.extent.intersection(other.seen_from(grid, other.extent)).area >= LEAST_PX2


def divide_scenes(
    listing: Sequence[ListedScene],
    split: Split,
    folds: list[int],
    regions: geopandas.GeoDataFrame | None = None,
) -> dict[int, list[SceneParts]]:
    """Return by fold the area of each part of each scene, before any buffer.

    Args:
        listing: the scenes and their roles; whole scenes keep theirs in every fold.
        split: how places are divided.
        folds: numbers of the folds.
        regions: named areas, see `read_regions`; for that strategy only.
    """
    whole = [SceneParts(scene, {role: scene.grid.extent}) for scene, role in listing]
    divided = {fold: list(whole) for fold in folds}
    for place in find_places(listing):
        grids = [listing[index].scene.grid for index in place]
        for fold, of_scenes in divided.items():
            for index, areas in zip(place, _divide_place(grids, split, fold, regions), strict=True):
                of_scenes[index] = SceneParts(listing[index].scene, areas)
    return divided


def _divide_place(
    grids: list[Grid], split: Split, fold: int, regions: geopandas.GeoDataFrame | None
) -> list[PartAreas]:
    if regions is not None and split.regions is not None:  # they have coordinates: no common grid is needed
        return [divide_by_regions(grid, regions, split.regions, fold) for grid in grids]
    if len(grids) == 1:
        return [divide(grids[0], split, fold)]
    whole = _common_grid(grids)
    areas = divide(whole, split, fold)
    return [_on_grid(areas, whole, grid) for grid in grids]


def _common_grid(grids: list[Grid]) -> Grid:
    """Return a grid with the pixels of the first one that covers all of them."""
    first = grids[0]
    bounds = np.array([grid.seen_from(first, grid.extent).bounds for grid in grids])
    west, north = (math.floor(edge + ROUNDING_PX) for edge in bounds[:, :2].min(axis=0))
    east, south = (math.ceil(edge - ROUNDING_PX) for edge in bounds[:, 2:].max(axis=0))
    return first.crop(Window(west, north, east - west, south - north))


def _on_grid(areas: PartAreas, whole: Grid, grid: Grid) -> PartAreas:
    """Return the part of a place's split that one of its scenes shows, in that scene's pixels."""
    seen = {part: whole.seen_from(grid, area) for part, area in areas.items()}
    if _oblique(whole, grid):
        return in_squares(list(seen.items()), grid)
    return {part: whole_pixels(area.intersection(grid.extent)) for part, area in seen.items()}


def _oblique(whole: Grid, grid: Grid) -> bool:
    """Return whether the borders of pixels of one grid run across the pixels of the other."""
    step = ~grid.transform @ whole.transform
    return grid.crs != whole.crs or max(abs(step.b) * whole.height, abs(step.d) * whole.width) > ROUNDING_PX

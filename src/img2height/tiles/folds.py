"""Splits the scenes of an experiment and their tiles into folds of training, validation and test parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import geopandas
import numpy as np
import pandas
import shapely

from img2height.errors import FoldError
from img2height.io.projections import GEOGRAPHIC, reproject_table
from img2height.io.tables import by_columns
from img2height.scenes.listing import ListedScene
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Split
from img2height.tiles.areas import covered, tile_boxes
from img2height.tiles.buffers import buffer_of, cut_buffers, neighbours
from img2height.tiles.index import tile_offsets
from img2height.tiles.layout import SceneParts
from img2height.tiles.places import divide_scenes
from img2height.tiles.regions import read_regions
from img2height.vocabulary.parts import PARTS, SPLIT, Role
from img2height.vocabulary.tiles import CORNER, SCENE, WINDOW

TILE_COLUMNS = ["tile_id", *WINDOW]
STEP_PX = 16
Divided = dict[int, list[SceneParts]]  # by fold


@dataclass(frozen=True)
class Folds:
    """The folds of an experiment.

    Attributes:
        tiles: fold, part and window of each tile; outlines in EPSG:4326. A tile between two parts is left out.
        areas: fold, part, dataset, scene and the area of that part in pixel coordinates of the scene.
    """

    tiles: geopandas.GeoDataFrame
    areas: geopandas.GeoDataFrame


class IndexedScene(NamedTuple):
    """A scene of an experiment, its role and its tile index."""

    scene: Scene
    role: Role
    tiles: geopandas.GeoDataFrame


def split_folds(scenes: Sequence[IndexedScene], split: Split, *, tile_px: int, folds: list[int]) -> Folds:
    """Return the folds of an experiment.

    Args:
        scenes: the scenes; whole scenes keep their role in every fold.
        split: how scenes with the role split are divided, and the buffer.
        tile_px: side of the tiles in pixels.
        folds: numbers of the folds to make, from 0.

    Raises:
        FoldError: a fold does not exist, or one of its parts has no tile.
        DataError: the file of the regions cannot be used.
    """
    listing = [ListedScene(scene, role) for scene, role, _ in scenes]
    count = split.count if any(listed.role == SPLIT for listed in listing) else 1
    if wrong := [fold for fold in folds if not 0 <= fold < count]:
        raise FoldError(f"fold {wrong[0]} does not exist: there are {count}, numbered from 0; choose one of them")
    only_scenes = [listed.scene for listed in listing]
    buffer_m = buffer_of(split, only_scenes, tile_px)
    near = neighbours(only_scenes, buffer_m)
    regions = read_regions(split.regions) if split.regions and split.strategy == "regions" else None
    whole = divide_scenes(listing, split, folds, regions)
    divided = {fold: cut_buffers(parts, buffer_m, near) for fold, parts in whole.items()}
    chosen = _assign(scenes, divided)
    _check_parts(divided, chosen, tile_px)
    return Folds(chosen, _list_areas(divided))


def _list_areas(divided: Divided) -> geopandas.GeoDataFrame:
    rows = [
        (fold, part, scene.dataset, scene.name, areas[part])
        for fold, of_scenes in divided.items()
        for part in PARTS
        for scene, areas in of_scenes
        if part in areas and not areas[part].is_empty
    ]
    frame = pandas.DataFrame(rows, columns=["fold", "part", *SCENE, "geometry"])
    return geopandas.GeoDataFrame(frame, geometry="geometry", crs=None)


def _assign(scenes: Sequence[IndexedScene], divided: Divided) -> geopandas.GeoDataFrame:
    """Return the tiles that lie completely inside a part, by fold, part and scene."""
    indexes = [(tiles, reproject_table(tiles, GEOGRAPHIC, scene.grid.place)) for scene, _, tiles in scenes]
    chosen = []
    for fold, of_scenes in divided.items():
        for part in PARTS:
            for (_, areas), (tiles, outlines) in zip(of_scenes, indexes, strict=True):
                area = areas.get(part, shapely.Polygon())
                frame = outlines[covered(area, tiles)][[*TILE_COLUMNS, "geometry"]].copy()
                frame.insert(0, "fold", fold)
                frame.insert(1, "part", part)
                chosen.append(frame)
    return pandas.concat(chosen, ignore_index=True)


def _check_parts(divided: Divided, tiles: geopandas.GeoDataFrame, tile_px: int) -> None:
    held = set(zip(tiles["fold"], tiles["part"], strict=True))
    empty = [(fold, part) for fold in divided for part in PARTS if (fold, part) not in held]
    if not empty:
        return
    fold, part = empty[0]
    fits = largest_tile(divided)
    if fits >= tile_px:
        raise FoldError(
            f"fold {fold} has no {part} tile although tiles of {tile_px} px fit into its area: too few of their pixels "
            "are valid, or the stride skips them; lower tiling.min_valid_share or tiling.stride_px"
        )
    raise FoldError(
        f"fold {fold} has no {part} tile: no tile of {tile_px} px fits into its area; the largest that fits everywhere "
        f"is {fits} px (tiling.tile_px {fits}, stride_px {fits // 2}); or use fewer folds, a smaller buffer "
        "(split.buffer_m) or more scenes"
    )


def largest_tile(divided: Divided) -> int:
    """Return the largest tile side in pixels, a multiple of 16, that fits into each part of each fold; 0 if none does.

    The tiles are those of an index with a stride of half a tile.
    """
    largest = max(min(scene.grid.shape) for of_scenes in divided.values() for scene, _ in of_scenes)
    for size in range(largest // STEP_PX * STEP_PX, 0, -STEP_PX):
        if all(_holds_tile(of_scenes, part, size) for of_scenes in divided.values() for part in PARTS):
            return size
    return 0


def _holds_tile(of_scenes: list[SceneParts], part: str, size: int) -> bool:
    return any(part in areas and covered(areas[part], _regular(scene, size)).any() for scene, areas in of_scenes)


def _regular(scene: Scene, size: int) -> pandas.DataFrame:
    rows, cols = (tile_offsets(length, size, size // 2) for length in scene.grid.shape)
    corners = [(col, row, size) for row in rows for col in cols]
    return pandas.DataFrame(corners, columns=[*CORNER, "size_px"])


def fold_layers(scenes: list[Scene], folds: Folds) -> dict[str, geopandas.GeoDataFrame]:
    """Return the layers `areas` and `tiles` in map coordinates: in the CRS of the scenes, or EPSG:4326 if they differ.

    Args:
        scenes: the scenes of the folds.
        folds: their division.
    """
    systems = {scene.grid.crs.to_wkt(): scene.grid.crs for scene in scenes}
    crs = next(iter(systems.values())) if len(systems) == 1 else GEOGRAPHIC
    grids = {(scene.dataset, scene.name): scene.grid for scene in scenes}

    def on_map(frame: geopandas.GeoDataFrame, outlines: np.ndarray) -> geopandas.GeoDataFrame:
        geometry = np.empty(len(frame), object)
        for (dataset, scene), rows in by_columns(frame.reset_index(drop=True), SCENE):
            geometry[rows.index] = grids[dataset, scene].to_crs(outlines[rows.index], crs)
        return geopandas.GeoDataFrame(frame.drop(columns="geometry"), geometry=geometry, crs=crs)

    tiles = folds.tiles if crs == GEOGRAPHIC else on_map(folds.tiles, tile_boxes(folds.tiles))
    return {"areas": on_map(folds.areas, folds.areas.geometry.to_numpy()), "tiles": tiles}

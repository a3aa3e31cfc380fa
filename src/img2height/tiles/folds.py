"""Splits the scenes of an experiment and their tiles into folds of training, validation and test parts."""

from dataclasses import dataclass

import geopandas
import numpy as np
import pandas
import shapely

from img2height.errors import FoldError
from img2height.io.projections import GEOGRAPHIC, reproject_table
from img2height.io.tables import by_columns
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Split
from img2height.tiles.areas import covered, tile_boxes
from img2height.tiles.buffers import buffer_of, cut_buffers, neighbours
from img2height.tiles.index import tile_offsets
from img2height.tiles.layout import Ground
from img2height.tiles.places import divide_scenes
from img2height.tiles.regions import read_regions
from img2height.vocabulary.parts import PARTS, SPLIT, Role
from img2height.vocabulary.tiles import CORNER, SCENE, WINDOW

TILE_COLUMNS = ["tile_id", *WINDOW]
STEP_PX = 16


@dataclass(frozen=True)
class Folds:
    """The folds of an experiment.

    Attributes:
        tiles: fold, part and window of each tile; outlines in EPSG:4326. A tile between two parts is left out.
        areas: fold, part, dataset, scene and the area of that part in pixel coordinates of the scene.
    """

    tiles: geopandas.GeoDataFrame
    areas: geopandas.GeoDataFrame


def split_folds(
    scenes: list[Scene],
    roles: list[Role],
    tiles: list[geopandas.GeoDataFrame],
    split: Split,
    *,
    tile_px: int,
    folds: list[int],
) -> Folds:
    """Return the folds of an experiment.

    Args:
        scenes: the scenes.
        roles: role of each scene; whole scenes keep their role in every fold.
        tiles: tile index of each scene.
        split: how scenes with the role split are divided, and the buffer.
        tile_px: side of the tiles in pixels.
        folds: numbers of the folds to make, from 0.

    Raises:
        FoldError: a fold does not exist, or one of its parts has no tile.
        DataError: the file of the regions cannot be used.
    """
    count = split.count if SPLIT in roles else 1
    if wrong := [fold for fold in folds if not 0 <= fold < count]:
        raise FoldError(f"fold {wrong[0]} does not exist: there are {count}, numbered from 0; choose one of them")
    buffer_m = buffer_of(split, scenes, tile_px)
    near = neighbours(scenes, buffer_m)
    regions = read_regions(split.regions) if split.regions and split.strategy == "regions" else None
    divided = divide_scenes(scenes, roles, split, folds, regions)
    grounds = {fold: cut_buffers(scenes, whole, buffer_m, near) for fold, whole in divided.items()}
    areas = _list_areas(scenes, grounds)
    chosen = _assign(scenes, grounds, tiles)
    _check_parts(scenes, grounds, chosen, tile_px)
    return Folds(chosen, areas)


def _list_areas(scenes: list[Scene], grounds: dict[int, list[Ground]]) -> geopandas.GeoDataFrame:
    rows = [
        (fold, part, scene.dataset, scene.name, ground[part])
        for fold, of_scenes in grounds.items()
        for part in PARTS
        for scene, ground in zip(scenes, of_scenes, strict=True)
        if part in ground and not ground[part].is_empty
    ]
    frame = pandas.DataFrame(rows, columns=["fold", "part", *SCENE, "geometry"])
    return geopandas.GeoDataFrame(frame, geometry="geometry", crs=None)


def _assign(
    scenes: list[Scene], grounds: dict[int, list[Ground]], tiles: list[geopandas.GeoDataFrame]
) -> geopandas.GeoDataFrame:
    """Return the tiles that lie completely inside a part, by fold, part and scene."""
    pairs = zip(scenes, tiles, strict=True)
    outlines = [reproject_table(frame, GEOGRAPHIC, scene.grid.place) for scene, frame in pairs]
    chosen = []
    for fold, of_scenes in grounds.items():
        for part in PARTS:
            for index in range(len(scenes)):
                area = of_scenes[index].get(part, shapely.Polygon())
                frame = outlines[index][covered(area, tiles[index])][[*TILE_COLUMNS, "geometry"]].copy()
                frame.insert(0, "fold", fold)
                frame.insert(1, "part", part)
                chosen.append(frame)
    return pandas.concat(chosen, ignore_index=True)


def _check_parts(
    scenes: list[Scene], grounds: dict[int, list[Ground]], tiles: geopandas.GeoDataFrame, tile_px: int
) -> None:
    held = set(zip(tiles["fold"], tiles["part"], strict=True))
    empty = [(fold, part) for fold in grounds for part in PARTS if (fold, part) not in held]
    if not empty:
        return
    fold, part = empty[0]
    fits = largest_tile(scenes, grounds)
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


def largest_tile(scenes: list[Scene], grounds: dict[int, list[Ground]]) -> int:
    """Return the largest tile side in pixels, a multiple of 16, that fits into each part of each fold; 0 if none does.

    The tiles are those of an index with a stride of half a tile.
    """
    largest = max(min(scene.grid.shape) for scene in scenes) // STEP_PX * STEP_PX
    for size in range(largest, 0, -STEP_PX):
        regular = [_regular(scene, size) for scene in scenes]
        if all(_holds_tile(part, of_scenes, regular) for of_scenes in grounds.values() for part in PARTS):
            return size
    return 0


def _holds_tile(part: str, grounds: list[Ground], regular: list[pandas.DataFrame]) -> bool:
    pairs = zip(grounds, regular, strict=True)
    return any(part in ground and covered(ground[part], frame).any() for ground, frame in pairs)


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

"""Measures leaks between the parts of finished folds, independently of how the folds were made."""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import geopandas
import numpy as np
import pandas
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.io.tables import by_columns
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_of, covered, tile_boxes
from img2height.tiles.buffers import half_tile_m, neighbours
from img2height.tiles.layout import SceneParts
from img2height.tiles.likeness import find_copies, tile_details
from img2height.tiles.record import Audit, FoldAudit, NearestTiles
from img2height.vocabulary.parts import PARTS
from img2height.vocabulary.tiles import SCENE

PAIRS = list(combinations(PARTS, 2))
LEAST_M2 = 1e-3  # smaller areas are rounding errors of coordinates
LEAST_PX = 1e-3
ROUNDING_M = 1e-3


class Meeting(NamedTuple):
    """How two parts of a fold meet; see `FoldAudit`."""

    shared_px: float
    shared_m2: float
    distance_m: float | None


def audit_folds(
    scenes: list[Scene], tiles: geopandas.GeoDataFrame, areas: geopandas.GeoDataFrame, buffer_m: float
) -> Audit:
    """Return the findings on areas, see `audit_areas`, and on tiles with the same image.

    Args:
        scenes: the scenes.
        tiles: the tiles of the folds, see `split_folds`.
        areas: the areas of the parts, see `split_folds`.
        buffer_m: distance that parts must keep from each other, in metres.
    """
    audit, copies = audit_areas(scenes, tiles, areas, buffer_m), _copies(scenes, tiles)
    leaks = [
        f"{len(copies)} pairs of tiles show the same image in two parts, e.g. {first} and {second}; remove the copies"
        for first, second in copies[:1]
    ]
    return audit.model_copy(update={"copied_tiles": copies, "leaks": audit.leaks + leaks})


def audit_areas(
    scenes: list[Scene], tiles: geopandas.GeoDataFrame, areas: geopandas.GeoDataFrame, buffer_m: float
) -> Audit:
    """Return the findings on the areas of the folds; arguments as in `audit_folds`."""
    near = neighbours(scenes, buffer_m)
    folds = {
        fold: _audit_fold(scenes, tiles[tiles["fold"] == fold], areas[areas["fold"] == fold], near)
        for fold in sorted(areas["fold"].unique().tolist())
    }
    leaks = [f"fold {fold}: {leak}" for fold, found in folds.items() for leak in _leaks(found, buffer_m)]
    overlap = _test_overlap(scenes, areas)
    leaks += [
        f"{name}: {pixels:g} px are in the test area of more than one fold and would be scored twice; "
        "give the scene the role split, or run one fold"
        for name, pixels in overlap.items()
        if pixels > LEAST_PX
    ]
    advised_m = half_tile_m(scenes, int(tiles["size_px"].max()))
    return Audit(
        buffer_m=buffer_m, half_tile_m=advised_m, folds=folds, test_overlap_px=overlap,
        remarks=list(_remarks(buffer_m, advised_m)), leaks=leaks,
    )  # fmt: skip


def _audit_fold(
    scenes: list[Scene], tiles: geopandas.GeoDataFrame, areas: geopandas.GeoDataFrame, near: dict[int, list[int]]
) -> FoldAudit:
    """Return the findings on the tiles and areas of one fold."""
    divided = _divided(scenes, areas)
    meetings = {f"{a}-{b}": _meeting(divided, near, a, b) for a, b in PAIRS}
    return FoldAudit(
        tiles={part: int((tiles["part"] == part).sum()) for part in PARTS},
        area_m2={part: sum(g[part].area * scene.grid.gsd_m**2 for scene, g in divided) for part in PARTS},
        shared_px={pair: meeting.shared_px for pair, meeting in meetings.items()},
        shared_m2={pair: meeting.shared_m2 for pair, meeting in meetings.items()},
        distance_m={pair: meeting.distance_m for pair, meeting in meetings.items()},
        nearest_tiles={f"{a}-{b}": nearest_tiles(scenes, tiles, near, a, b) for a, b in PAIRS},
        strays=_strays(divided, tiles),
    )


def _remarks(buffer_m: float, advised_m: float) -> Iterator[str]:
    if buffer_m < advised_m:
        yield (
            f"the buffer of {buffer_m:g} m is less than half a tile ({advised_m:g} m): windows at a border of the test "
            "area see pixels of the training area"
        )


def _leaks(found: FoldAudit, buffer_m: float) -> Iterator[str]:
    for a, b in PAIRS:
        pair, nearest = f"{a}-{b}", found.nearest_tiles[f"{a}-{b}"]
        named = f" (nearest: {a} tile {nearest.tiles[a]}, {b} tile {nearest.tiles[b]})" if nearest else ""
        if found.shared_px[pair] > LEAST_PX:
            yield f"{a} and {b} share {found.shared_px[pair]:g} px of a scene{named}; make the folds again"
        if found.shared_m2[pair] > LEAST_M2:
            yield (
                f"{found.shared_m2[pair]:.6g} m2 are shown by two scenes, as {a} and as {b}{named}; "
                "give both scenes the same role"
            )
        measured = [found.distance_m[pair], nearest.distance_m if nearest else None]
        distance = min((value for value in measured if value is not None), default=buffer_m)
        if distance < buffer_m - ROUNDING_M:
            yield f"{a} and {b} come within {distance:.4g} m, the buffer is {buffer_m:g} m{named}; make the folds again"
    if strays := found.strays:
        yield f"{len(strays)} tiles extend beyond the area of their part, e.g. {strays[0]}; make the folds again"


def _meeting(divided: list[SceneParts], near: dict[int, list[int]], a: str, b: str) -> Meeting:
    """Return the shared pixels, shared area and smallest distance of two parts."""
    within = [(areas[a], areas[b], scene) for scene, areas in divided]
    between = list(_between(divided, near, a, b))
    apart = [f.distance(s) * scene.grid.gsd_m for f, s, scene in within + between if f and s]
    return Meeting(
        sum(first.intersection(second).area for first, second, _ in within),
        sum(first.intersection(second).area * scene.grid.gsd_m**2 for first, second, scene in between),
        min(apart, default=None),
    )


def _between(
    divided: list[SceneParts], near: dict[int, list[int]], a: str, b: str
) -> Iterator[tuple[BaseGeometry, BaseGeometry, Scene]]:
    """Yield part `a` of a scene with part `b` of another scene near it, both in the pixels of the first."""
    for index, (scene, areas) in enumerate(divided):
        for other in (divided[number] for number in near[index]):
            first, second = areas[a], other.areas[b]
            if not first.is_empty and not second.is_empty:
                yield first, other.scene.grid.seen_from(scene.grid, second), scene


def _divided(scenes: list[Scene], areas: geopandas.GeoDataFrame) -> list[SceneParts]:
    """Return the area of each part of each scene in one fold."""
    keys = zip(areas["dataset"], areas["scene"], areas["part"], strict=True)
    by_key = dict(zip(keys, areas.geometry, strict=True))
    return [
        SceneParts(scene, {p: by_key.get((scene.dataset, scene.name, p), shapely.Polygon()) for p in PARTS})
        for scene in scenes
    ]


def _strays(divided: list[SceneParts], tiles: geopandas.GeoDataFrame) -> list[str]:
    by_scene = {(scene.dataset, scene.name): areas for scene, areas in divided}
    strays = []
    for (part, dataset, scene), rows in by_columns(tiles, ["part", *SCENE]):
        strays += rows["tile_id"][~covered(by_scene[dataset, scene][part], rows)].tolist()
    return sorted(strays)


def _copies(scenes: list[Scene], tiles: geopandas.GeoDataFrame) -> list[tuple[str, str]]:
    """Return the pairs of tiles that show one image in different parts; a tile in two parts pairs with itself."""
    numbers = pandas.Series(range(len(PARTS)), PARTS)
    by_fold = tiles.assign(number=tiles["part"].map(numbers)).groupby(["tile_id", "fold"])["number"]
    twice = sorted(by_fold.nunique().loc[lambda count: count > 1].index.unique("tile_id"))
    parts = by_fold.first().unstack("fold", fill_value=-1)  # one row per tile, in the order of their names
    windows = tiles.drop_duplicates("tile_id").set_index("tile_id").loc[parts.index]
    pairs = find_copies(tile_details(scenes, windows), parts.to_numpy())
    return [(name, name) for name in twice] + [(parts.index[a], parts.index[b]) for a, b in pairs]


def _test_overlap(scenes: list[Scene], areas: geopandas.GeoDataFrame) -> dict[str, float]:
    """Return how many pixels of each scene are in the test area of more than one fold."""
    overlap = {}
    for scene in scenes:
        folds = sorted(areas["fold"].unique().tolist())
        tested = [area_of(areas, "test", scene.dataset, scene.name, fold) for fold in folds]
        overlap[f"{scene.dataset}/{scene.name}"] = sum(area.area for area in tested) - shapely.union_all(tested).area
    return overlap


def nearest_tiles(
    scenes: list[Scene], tiles: pandas.DataFrame, near: dict[int, list[int]], a: str, b: str
) -> NearestTiles | None:
    """Return the nearest tiles of two parts; None if the parts are never close.

    Args:
        scenes: the scenes.
        tiles: of one fold, see `split_folds`.
        near: the scenes near each scene, see `neighbours`.
        a: a part.
        b: another part.
    """
    groups = dict(by_columns(tiles, ["part", *SCENE]))
    best: NearestTiles | None = None
    for index, scene in enumerate(scenes):
        if (first := groups.get((a, scene.dataset, scene.name))) is None:
            continue
        for other in (scene, *(scenes[number] for number in near[index])):
            if (second := groups.get((b, other.dataset, other.name))) is None:
                continue
            boxes = tile_boxes(second) if other is scene else other.grid.seen_from(scene.grid, tile_boxes(second))
            one, two, distance_px = _nearest(tile_boxes(first), boxes)
            distance_m = distance_px * scene.grid.gsd_m
            if best is None or distance_m < best.distance_m:
                names = {a: first["tile_id"].iloc[one], b: second["tile_id"].iloc[two]}
                best = NearestTiles(tiles=names, distance_m=distance_m)
    return best


def _nearest(first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    pairs, distances = shapely.STRtree(second).query_nearest(first, return_distance=True, all_matches=False)
    at = int(distances.argmin())
    return int(pairs[0, at]), int(pairs[1, at]), float(distances[at])

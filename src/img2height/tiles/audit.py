"""Measures a division into folds on the finished tables, without trusting how it was made."""

import hashlib
from collections.abc import Iterator
from itertools import combinations

import geopandas
import pandas
import shapely
from rasterio.windows import Window

from img2height.errors import FoldError
from img2height.rasters import open_raster
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_of, covered
from img2height.tiles.buffers import neighbours, seen_from
from img2height.tiles.layout import PARTS

PAIRS = list(combinations(PARTS, 2))
LEAST_M2 = 1e-3  # ground below this is rounding of coordinates, not ground
ROUNDING_M = 1e-3


def audit_folds(
    scenes: list[Scene], tiles: geopandas.GeoDataFrame, areas: geopandas.GeoDataFrame, buffer_m: float
) -> dict:
    """Return what was measured on the folds: counts, shared pixels, distances, shared ground and copies.

    For each fold: `tiles`, `area_m2` by part; `shared_px` between parts of a scene; `distance_m` between parts, within
    and between scenes (null where they never come near); `same_ground_m2` of two scenes in different parts;
    `copied_tiles`: pairs of tiles with the same image in different parts; `strays`: tiles that are not wholly in the
    ground of their part. For all folds: `test_overlap_px`, test ground that is in two of them. `leaks` are sentences.

    Args:
        scenes: the scenes.
        tiles: the tiles of the folds, see `split_folds`.
        areas: the ground of the parts, see `split_folds`.
        buffer_m: distance that parts must keep from each other, in metres.
    """
    near = neighbours(scenes, buffer_m)
    images = _image_digests(scenes, tiles)
    folds, leaks = {}, []
    for fold in sorted(areas["fold"].unique().tolist()):
        own_tiles, own_areas = tiles[tiles["fold"] == fold], areas[areas["fold"] == fold]
        found = {
            "tiles": {part: int((own_tiles["part"] == part).sum()) for part in PARTS},
            "area_m2": _area_m2(scenes, own_areas),
            **_measure_parts(scenes, own_areas, near),
            "copied_tiles": _copies(own_tiles, images),
            "strays": _strays(own_tiles, own_areas),
        }
        folds[str(fold)] = found
        leaks += [f"fold {fold}: {leak}" for leak in _leaks(found, buffer_m)]
    overlap = _test_overlap(scenes, areas)
    leaks += [
        f"{name}: {pixels:g} px are test ground in more than one fold and would be scored twice; "
        "give the scene the role split, or run one fold"
        for name, pixels in overlap.items()
        if pixels
    ]
    return {"buffer_m": buffer_m, "folds": folds, "test_overlap_px": overlap, "leaks": leaks}


def refuse_leaks(audit: dict) -> None:
    """Raise a FoldError that lists what an audit found, if it found anything."""
    if leaks := audit["leaks"]:
        raise FoldError(f"the folds leak, {len(leaks)} findings: " + "; ".join(leaks))


def _leaks(found: dict, buffer_m: float) -> Iterator[str]:
    for a, b in PAIRS:
        pair = f"{a}-{b}"
        if found["shared_px"][pair]:
            yield f"{a} and {b} share {found['shared_px'][pair]:g} px of a scene; make the folds again"
        if found["same_ground_m2"][pair] > LEAST_M2:
            yield (
                f"{found['same_ground_m2'][pair]:.6g} m2 of ground lie in two scenes, as {a} and as {b}; "
                "give both scenes the same role"
            )
        distance = found["distance_m"][pair]
        if distance is not None and distance < buffer_m - ROUNDING_M:
            yield f"{a} and {b} come within {distance:.4g} m, the buffer is {buffer_m:g} m; make the folds again"
    if copies := found["copied_tiles"]:
        yield f"{len(copies)} tiles show the same image in two parts, e.g. {copies[0]}; remove the copies"
    if strays := found["strays"]:
        yield f"{len(strays)} tiles leave the ground of their part, e.g. {strays[0]}; make the folds again"


def _measure_parts(scenes: list[Scene], areas: geopandas.GeoDataFrame, near: dict[int, list[int]]) -> dict:
    """Return shared pixels, least distance and shared ground of each pair of parts."""
    grounds = [{part: area_of(areas, part, scene.dataset, scene.name) for part in PARTS} for scene in scenes]
    shared, ground, distance = {}, {}, {}
    for a, b in PAIRS:
        within = [(g[a], g[b], scene) for scene, g in zip(scenes, grounds, strict=True)]
        between = list(_between(scenes, grounds, near, a, b))
        apart = [
            first.distance(second) * scene.grid.gsd_m for first, second, scene in within + between if first and second
        ]
        shared[f"{a}-{b}"] = sum(first.intersection(second).area for first, second, _ in within)
        ground[f"{a}-{b}"] = sum(f.intersection(s).area * scene.grid.gsd_m**2 for f, s, scene in between)
        distance[f"{a}-{b}"] = min(apart, default=None)
    return {"shared_px": shared, "same_ground_m2": ground, "distance_m": distance}


def _between(
    scenes: list[Scene], grounds: list[dict], near: dict[int, list[int]], a: str, b: str
) -> Iterator[tuple[shapely.Geometry, shapely.Geometry, Scene]]:
    """Yield the part `a` of a scene with the part `b` of another one near it, both in the pixels of the first."""
    for index, scene in enumerate(scenes):
        for other in near[index]:
            first, second = grounds[index][a], grounds[other][b]
            if not first.is_empty and not second.is_empty:
                yield first, seen_from(scene.grid, second, scenes[other].grid), scene


def _area_m2(scenes: list[Scene], areas: geopandas.GeoDataFrame) -> dict[str, float]:
    return {part: sum(area_of(areas, part, s.dataset, s.name).area * s.grid.gsd_m**2 for s in scenes) for part in PARTS}


def _strays(tiles: geopandas.GeoDataFrame, areas: geopandas.GeoDataFrame) -> list[str]:
    strays = []
    for (part, dataset, scene), rows in tiles.groupby(["part", "dataset", "scene"]):
        strays += rows["tile_id"][~covered(area_of(areas, part, dataset, scene), rows)].tolist()
    return sorted(strays)


def _image_digests(scenes: list[Scene], tiles: geopandas.GeoDataFrame) -> dict[str, str]:
    """Return a digest of the image of each tile; tiles of one grey value are left out, for they may well be alike."""
    digests = {}
    windows = tiles.drop_duplicates("tile_id")
    for scene in scenes:
        own = windows[(windows["dataset"] == scene.dataset) & (windows["scene"] == scene.name)]
        with open_raster(scene.path(scene.picture)) as dataset:
            for tile in own.itertuples():
                pixels = dataset.read(window=Window(tile.col_off, tile.row_off, tile.size_px, tile.size_px))
                if pixels.min() != pixels.max():
                    digests[tile.tile_id] = hashlib.sha256(pixels.tobytes()).hexdigest()
    return digests


def _copies(tiles: geopandas.GeoDataFrame, images: dict[str, str]) -> list[str]:
    """Return the tiles with an image, or an identifier, that is in more than one part."""
    frame = pandas.DataFrame({"tile_id": tiles["tile_id"], "part": tiles["part"]})
    frame["image"] = frame["tile_id"].map(images).fillna(frame["tile_id"])
    parts = frame.groupby("image")["part"].transform("nunique")
    return sorted(set(frame["tile_id"][parts > 1]))


def _test_overlap(scenes: list[Scene], areas: geopandas.GeoDataFrame) -> dict[str, float]:
    """Return how many pixels of each scene are test ground in more than one fold."""
    overlap = {}
    for scene in scenes:
        folds = sorted(areas["fold"].unique().tolist())
        grounds = [area_of(areas, "test", scene.dataset, scene.name, fold) for fold in folds]
        overlap[f"{scene.dataset}/{scene.name}"] = sum(g.area for g in grounds) - shapely.union_all(grounds).area
    return overlap

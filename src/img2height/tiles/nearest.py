"""The two tiles of different parts that come nearest to each other, by name."""

import numpy as np
import pandas
import shapely

from img2height.scenes.scene import Scene
from img2height.tiles.areas import tile_boxes
from img2height.tiles.buffers import seen_from


def nearest_tiles(
    scenes: list[Scene], tiles: pandas.DataFrame, near: dict[int, list[int]], a: str, b: str
) -> dict | None:
    """Return the names of the nearest two tiles by part, and `distance_m`; None where no two parts come near.

    Args:
        scenes: the scenes.
        tiles: of one fold, see `split_folds`.
        near: the scenes near each scene, see `neighbours`.
        a: a part.
        b: another part.
    """
    groups = dict(iter(tiles.groupby(["part", "dataset", "scene"])))
    best = None
    for index, scene in enumerate(scenes):
        if (first := groups.get((a, scene.dataset, scene.name))) is None:
            continue
        for other in (scene, *(scenes[number] for number in near[index])):
            if (second := groups.get((b, other.dataset, other.name))) is None:
                continue
            boxes = tile_boxes(second) if other is scene else seen_from(scene.grid, tile_boxes(second), other.grid)
            one, two, distance_px = _nearest(tile_boxes(first), boxes)
            distance_m = distance_px * scene.grid.gsd_m
            if best is None or distance_m < best["distance_m"]:
                best = {a: first["tile_id"].iloc[one], b: second["tile_id"].iloc[two], "distance_m": distance_m}
    return best


def _nearest(first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    pairs, distances = shapely.STRtree(second).query_nearest(first, return_distance=True, all_matches=False)
    at = int(distances.argmin())
    return int(pairs[0, at]), int(pairs[1, at]), float(distances[at])

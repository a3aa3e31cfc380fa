"""Buffers between the parts of a fold, within a scene and between neighbouring scenes."""

import math
from collections.abc import Iterator

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from img2height.io.areas import area_window
from img2height.io.grid import Grid
from img2height.io.projections import GEOGRAPHIC
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Split
from img2height.tiles.layout import SceneParts

METRES_PER_DEGREE = 111_000.0
ROUNDING_PX = 1e-6


def half_tile_m(scenes: list[Scene], tile_px: int) -> float:
    """Return half the side of a tile of the coarsest scene in metres."""
    return tile_px / 2 * max(scene.grid.gsd_m for scene in scenes)


def buffer_of(split: Split, scenes: list[Scene], tile_px: int) -> float:
    """Return the distance that parts keep from each other in metres: as set, or half a tile."""
    return half_tile_m(scenes, tile_px) if split.buffer_m is None else split.buffer_m


def neighbours(scenes: list[Scene], distance_m: float) -> dict[int, list[int]]:
    """Return, for each scene, the other scenes that may come closer to it than a distance in metres."""
    outlines = [scene.grid.to_crs(scene.grid.extent, GEOGRAPHIC) for scene in scenes]
    tree = shapely.STRtree(outlines)
    near = {}
    for index, outline in enumerate(outlines):
        latitude = min(max(abs(outline.bounds[1]), abs(outline.bounds[3])), 89.0)
        margin = (distance_m + 1) / (METRES_PER_DEGREE * math.cos(math.radians(latitude)))
        west, south, east, north = outline.bounds
        wider = shapely.box(west - margin, south - margin, east + margin, north + margin)
        near[index] = sorted(int(other) for other in tree.query(wider) if other != index)
    return near


def cut_buffers(divided: list[SceneParts], buffer_m: float, near: dict[int, list[int]]) -> list[SceneParts]:
    """Return the areas of each scene with buffers cut: from validation around test, from training around both.

    Areas remain whole pixels. The areas of other scenes count too, in any CRS; with `buffer_m` 0 they are removed only
    where two scenes overlap.

    Args:
        divided: the scenes and their parts.
        buffer_m: distance that parts keep from each other, in metres.
        near: the scenes near each scene, see `neighbours`.
    """
    cut = [SceneParts(scene, dict(areas)) for scene, areas in divided]
    for part, obstacles in (("val", ("test",)), ("train", ("val", "test"))):
        for index, (scene, areas) in enumerate(cut):
            if part in areas:
                blocked = [
                    obstacle
                    for other in (index, *near[index])
                    for name in obstacles
                    for obstacle in _around(cut[other].areas.get(name), cut[other].scene.grid, scene.grid, buffer_m)
                ]
                areas[part] = whole_pixels(areas[part].difference(shapely.union_all(blocked)))
    return cut


def _around(area: BaseGeometry | None, source: Grid, grid: Grid, buffer_m: float) -> Iterator[BaseGeometry]:
    """Yield an area with its buffer in the pixels of a grid, if there is one."""
    if area is None or area.is_empty:
        return
    buffer_px = math.ceil(buffer_m / grid.gsd_m - 1e-9)
    if grid.aligned_with(source, ROUNDING_PX):
        step = ~grid.transform @ source.transform
        yield widen(translate(area, round(step.c), round(step.f)), buffer_px)
    else:  # one pixel more if the CRS differ, because their scales differ too
        extra_px = 0 if source.crs == grid.crs else 1
        yield _outer_pixels(widen(source.seen_from(grid, area), buffer_px + extra_px), grid)


def widen(area: BaseGeometry, pixels: float) -> BaseGeometry:
    """Return an area grown by `pixels` on each side with square corners; rectangles stay rectangles."""
    return area.buffer(pixels, join_style="mitre") if pixels else area


def whole_pixels(area: BaseGeometry) -> BaseGeometry:
    """Return an area with corners on whole pixels, as polygons only."""
    snapped = shapely.set_precision(area, 1.0)
    polygons = [piece for piece in shapely.get_parts(snapped) if piece.geom_type == "Polygon" and piece.area > 0]
    return shapely.union_all(polygons)


def _outer_pixels(area: BaseGeometry, grid: Grid) -> BaseGeometry:
    """Return the pixels of a grid that an area covers, also in part; its rectangles may reach beyond the grid."""
    pieces = shapely.get_parts(area)
    boxes = shapely.box(*shapely.bounds(pieces).T)
    filled = shapely.area(boxes) - shapely.area(pieces) <= ROUNDING_PX * shapely.length(boxes)
    others = [shapely.union_all(_pixel_boxes(_in_rows(piece, grid))).simplify(0) for piece in pieces[~filled]]
    return shapely.union_all([*_pixel_boxes(pieces[filled]), *others])


def _in_rows(piece: BaseGeometry, grid: Grid) -> np.ndarray:
    """Return the polygons into which the rows of pixels of a grid cut a piece of an area."""
    snapped = shapely.set_precision(piece, ROUNDING_PX)  # an edge just beyond a row does not cover one row more
    window = grid.clip(area_window(snapped))
    tops = window.row_off + np.arange(window.height)
    found = shapely.get_parts(snapped.intersection(shapely.box(0, tops, grid.width, tops + 1)))
    return found[shapely.area(found) > 0]


def _pixel_boxes(pieces: np.ndarray) -> np.ndarray:
    """Return the bounding boxes of pieces in whole pixels."""
    west, north, east, south = shapely.bounds(pieces).T
    first = np.floor(west + ROUNDING_PX), np.floor(north + ROUNDING_PX)
    return shapely.box(*first, np.ceil(east - ROUNDING_PX), np.ceil(south - ROUNDING_PX))

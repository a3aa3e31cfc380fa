"""Outlines of buildings: simple and regular, always valid, without overlaps or gaps between neighbours.

Each building takes the simplest outline that passes all checks, so that no step before has to be trusted: regular, or
simplified, or that of its pixels.
"""

import numpy as np
import shapely
from rasterio.windows import Window

from img2height.buildings.coverage import Coverage, Polygons
from img2height.buildings.regions import first_pixels
from img2height.buildings.regularise import regularised
from img2height.io.grid import Grid

OUTLINES = ("pixels", "simplified", "regularised")
MIN_IOU = 0.8  # of an outline with that of its pixels
REACH = 1.5  # tolerances: an outline is nowhere further from that of its pixels
MOST_CORNERS = 10_000  # no building has more: its mask is noise, and checks would take hours


def outlines_of(
    labels: np.ndarray, groups: np.ndarray, window: Window, grid: Grid, tolerance_m: float
) -> tuple[Polygons, np.ndarray]:
    """Return the outlines of the labels 1, 2, ... of a window in map coordinates, and the name of the kind of each.

    Args:
        labels: HxW int32; the pixels of each label share edges.
        groups: HxW int, number of the group of each building; outlines of different groups cannot meet.
        window: the position of the pixels.
        grid: of the whole raster.
        tolerance_m: an outline is at most `REACH` times as far from that of its pixels; 0 keeps the latter.
    """
    tolerance = tolerance_m / grid.gsd_m
    coverage = Coverage.of(labels, window)
    everything = np.ones(len(coverage.points), bool)
    exact = coverage.polygons(_on_map(coverage.points, grid), everything)
    if tolerance == 0:
        return exact, np.full(len(exact), OUTLINES[0], dtype=object)
    keep = simplified(coverage, tolerance)
    points, fewer, regular = regularised(coverage, keep, coverage.polygons(coverage.points, keep), tolerance)
    # checked where they are used, because rounding moves a vertex across an edge that it touches
    simple = (coverage.points, everything), (coverage.points, keep), (points, fewer)
    choices = [(_on_map(where, grid), kept) for where, kept in simple]
    noise = _with_noise(exact, groups.ravel()[first_pixels(labels)[1:]])
    polygons, level = _best(coverage, choices, exact, REACH * tolerance_m, ~noise)
    return polygons, np.array(OUTLINES, dtype=object)[np.minimum(level, np.where(regular, 2, 1))]


def _on_map(points: np.ndarray, grid: Grid) -> np.ndarray:
    t, (x, y) = grid.transform, points.T
    return np.stack([t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f], axis=1)


def simplified(coverage: Coverage, tolerance: float) -> np.ndarray:
    """Return which vertices stay if each arc is simplified by Douglas and Peucker, V bool.

    GEOS also simplifies coverages (`coverage_simplify`), but by the area of triangles: along walls that cross few rows
    of pixels it keeps the steps of the pixels.

    Args:
        coverage: the outlines of the pixels.
        tolerance: in pixels; no wall moves further.
    """
    arcs = coverage.arcs
    lines = shapely.linestrings(coverage.points[arcs.vertex], indices=arcs.arc)
    left = shapely.get_coordinates(shapely.simplify(lines, tolerance, preserve_topology=False)).astype(np.int64)
    keys = coverage.points.astype(np.int64)
    keep = np.zeros(len(keys), bool)
    keep[np.searchsorted(keys[:, 1] << 32 | keys[:, 0], left[:, 1] << 32 | left[:, 0])] = True
    few = np.bincount(coverage.ring, keep[coverage.vertex]) < 3  # a small courtyard keeps the outline of its pixels
    keep[coverage.vertex[few[coverage.ring]]] = True
    return keep


def _with_noise(exact: Polygons, group: np.ndarray) -> np.ndarray:
    """Return which buildings belong to a group in which an outline has too many corners, bool."""
    return np.isin(group, group[shapely.get_num_coordinates(exact) > MOST_CORNERS])


def _best(
    coverage: Coverage, choices: list[tuple[np.ndarray, np.ndarray]], exact: Polygons, reach: float, free: np.ndarray
) -> tuple[Polygons, np.ndarray]:
    """Return the outline of each building by the last choice that passes, and the number of that choice.

    Buildings that are not `free` take the first choice.
    """
    level = np.where(free, len(choices) - 1, 0)
    polygons, changed = _drawn(coverage, choices, level), free
    while True:
        wrong = np.zeros(len(level), bool)
        wrong[changed] = _far(polygons[changed], exact[changed], reach)
        if not wrong.any():  # overlaps can only be found among valid polygons
            wrong[free] = ~shapely.is_empty(shapely.coverage_invalid_edges(polygons[free]))
        wrong &= level > 0
        if not wrong.any():
            return polygons, level
        level[wrong] -= 1
        before, polygons = polygons, _drawn(coverage, choices, level)
        changed = free & (wrong | ~shapely.equals_identical(before, polygons))


def _drawn(coverage: Coverage, choices: list[tuple[np.ndarray, np.ndarray]], level: np.ndarray) -> Polygons:
    """Return the outlines if each building takes one of the choices; a vertex takes the lowest of its buildings."""
    lowest = np.full(len(coverage.points), len(choices) - 1)
    np.minimum.at(lowest, coverage.vertex, level[coverage.building[coverage.ring]])
    points = np.choose(lowest[:, None], [points for points, _ in choices])
    return coverage.polygons(points, np.choose(lowest, [keep for _, keep in choices]))


def _far(polygons: Polygons, exact: Polygons, reach: float) -> np.ndarray:
    """Return which outlines are missing, invalid, or too far from those of their pixels, bool."""
    far = ~shapely.is_valid(polygons)
    valid = np.flatnonzero(~far)
    outlines, pixels = polygons[valid], exact[valid]
    common = shapely.area(shapely.intersection(outlines, pixels))
    different = common < MIN_IOU * (shapely.area(outlines) + shapely.area(pixels) - common)
    far[valid] = different | (shapely.hausdorff_distance(outlines, pixels) > reach)
    return far

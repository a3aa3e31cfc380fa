"""The outlines of buildings in pixel coordinates as a graph in which neighbours share their walls.

The outlines of pixels are exact, so nothing has to be snapped or cleaned. They are cut into arcs where walls meet, so
that each wall is simplified once, for the buildings on both sides.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from rasterio.windows import Window

from img2height.io.areas import outlines

Polygons = np.ndarray  # of shapely polygons


@dataclass(frozen=True)
class Coverage:
    """Outlines as a graph of vertices, which are corners of pixels, and the sides between them.

    Attributes:
        points: Vx2 float64, x and y of each vertex in pixels of the whole raster.
        vertex: vertex of each corner of all rings, one ring after another; a ring does not repeat its first corner.
        side: number of the side from each corner to the next; the rings of neighbours have common sides.
        ring: ring of each corner.
        building: building of each ring, from 0; the first ring of a building is its shell.
    """

    points: np.ndarray
    vertex: np.ndarray
    side: np.ndarray
    ring: np.ndarray
    building: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, window: Window) -> "Coverage":
        """Return the outlines of the labels 1, 2, ... of a window, HxW int32; the pixels of each share edges."""
        found = {number: outline for outline, number in outlines(labels, window)}
        polygons = np.array([found[number] for number in sorted(found)], dtype=object)
        rings, building = shapely.get_rings(polygons, return_index=True)
        corners, ring = shapely.get_coordinates(rings, return_index=True)
        x, y, ring = _with_all_corners(corners.astype(np.int64), ring)
        keys, vertex = np.unique(y << 32 | x, return_inverse=True)
        ends = np.sort(np.stack([vertex, vertex[_next(ring)]], axis=1), axis=1)
        _, side = np.unique(ends[:, 0] * len(keys) + ends[:, 1], return_inverse=True)
        points = np.stack([keys & 0xFFFFFFFF, keys >> 32], axis=1).astype(np.float64)
        return cls(points, vertex, side, ring, building)

    @cached_property
    def is_node(self) -> np.ndarray:
        """Whether walls meet at each vertex: more than two sides do."""
        _, first = np.unique(self.side, return_index=True)
        ends = np.concatenate([self.vertex[first], self.vertex[_next(self.ring)[first]]])
        return np.bincount(ends, minlength=len(self.points)) != 2

    @cached_property
    def arcs(self) -> "Arcs":
        """The walls between nodes."""
        return Arcs.of(self)

    def polygons(self, points: np.ndarray, keep: np.ndarray) -> Polygons:
        """Return the outline of each building with some of its vertices at other places; None if too few are left.

        Args:
            points: Vx2, place of each vertex.
            keep: which vertices to use, V bool.
        """
        used = keep[self.vertex]
        enough = np.bincount(self.ring[used], minlength=len(self.building)) >= 3
        lacking = np.zeros(self.building.max(initial=-1) + 1, bool)
        lacking[self.building[~enough]] = True
        used &= ~lacking[self.building[self.ring]]
        numbers, ring = np.unique(self.ring[used], return_inverse=True)
        rings = shapely.linearrings(points[self.vertex[used]], indices=ring)
        result = np.full(len(lacking), None, dtype=object)
        shapely.polygons(rings, indices=self.building[numbers], out=result)
        return result


@dataclass(frozen=True)
class Arcs:
    """The walls between nodes, each once; a ring without nodes is one arc that ends where it starts.

    Attributes:
        vertex: the vertices of all arcs, one arc after another, with both ends.
        arc: arc of each of them.
        side: number of the side from each to the next; -1 at the end of an arc.
    """

    vertex: np.ndarray
    arc: np.ndarray
    side: np.ndarray

    @classmethod
    def of(cls, coverage: Coverage) -> "Arcs":
        """Return the arcs of a coverage."""
        order = _from_first_break(coverage)
        vertex, side, ring = coverage.vertex[order], coverage.side[order], coverage.ring[order]
        starts = np.flatnonzero(coverage.is_node[vertex] | (np.diff(ring, prepend=-1) != 0))
        sizes = np.diff(starts, append=len(vertex))
        _, first = np.unique(np.minimum.reduceat(side, starts), return_index=True)  # a common wall is found twice
        ends = vertex[_next(ring)][starts + sizes - 1]
        sizes = sizes[first]
        at = _ranges(starts[first], sizes)
        close = np.cumsum(sizes)
        return cls(
            np.insert(vertex[at], close, ends[first]),
            np.repeat(np.arange(len(first)), sizes + 1),
            np.insert(side[at], close, -1),
        )

    @cached_property
    def is_end(self) -> np.ndarray:
        """Whether an arc ends at each vertex of the coverage, which then stays."""
        ends = np.zeros(self.vertex.max(initial=-1) + 1, bool)
        ends[self.vertex[(self.side < 0) | (np.diff(self.arc, prepend=-1) != 0)]] = True
        return ends

    @cached_property
    def pieces(self) -> np.ndarray:
        """The index of each side of the pixels' outlines in the arcs."""
        return np.flatnonzero(self.side >= 0)

    def edge(self, keep: np.ndarray) -> np.ndarray:
        """Return the edge of each piece, between vertices to keep, V bool; both ends of all arcs are kept."""
        return np.cumsum(keep[self.vertex[self.pieces]]) - 1

    def ends(self, keep: np.ndarray) -> np.ndarray:
        """Return the vertices at both ends of each edge between vertices to keep, Ex2."""
        first = np.flatnonzero(keep[self.vertex[self.pieces]])
        last = np.append(first[1:], len(self.pieces)) - 1
        return np.stack([self.vertex[self.pieces[first]], self.vertex[self.pieces[last] + 1]], axis=1)


def _next(ring: np.ndarray) -> np.ndarray:
    """Return the index of the next corner of its ring for each corner."""
    index = np.arange(1, len(ring) + 1)
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    index[np.append(first[1:], len(ring)) - 1] = first
    return index


def _ranges(starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return start, start + 1, ... for each start, as many as its size."""
    return np.repeat(starts - np.append(0, np.cumsum(sizes)[:-1]), sizes) + np.arange(sizes.sum())


def _with_all_corners(corners: np.ndarray, ring: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and ring of the corners of rings, with the corners of neighbours that lie on their sides."""
    same = np.flatnonzero(np.diff(ring) == 0)
    start, along = corners[same], corners[same + 1] - corners[same]
    sizes = np.abs(along).sum(axis=1)
    steps = _ranges(np.zeros_like(sizes), sizes)
    x, y = (np.repeat(start, sizes, axis=0) + np.repeat(np.sign(along), sizes, axis=0) * steps[:, None]).T
    left, top = corners.min(axis=0, initial=0 if not len(corners) else np.iinfo(np.int64).max)
    is_corner = np.zeros((np.ptp(y) + 1, np.ptp(x) + 1) if len(x) else (0, 0), bool)
    is_corner[corners[:, 1] - top, corners[:, 0] - left] = True
    stays = is_corner[y - top, x - left]
    return x[stays], y[stays], np.repeat(ring[same], sizes)[stays]


def _from_first_break(coverage: Coverage) -> np.ndarray:
    """Return the corners ring by ring, each ring from a node on; without one, from its corner that is farthest out."""
    ring, at = coverage.ring, coverage.points[coverage.vertex]
    starts = np.flatnonzero(np.diff(ring, prepend=-1))
    low, high = np.minimum.reduceat(at, starts), np.maximum.reduceat(at, starts)
    out = ((2 * at - (low + high)[ring]) ** 2).sum(axis=1)
    rank = np.lexsort((coverage.vertex, -out, ~coverage.is_node[coverage.vertex], ring))
    first = rank[starts] - starts  # of each ring: the position of the corner that ranks first
    sizes = np.diff(starts, append=len(ring))
    position = np.arange(len(ring)) - starts[ring]
    return starts[ring] + (position + first[ring]) % sizes[ring]

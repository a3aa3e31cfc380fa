"""Outlines with straight walls and right angles, where the pixels show them.

The vertices of a coverage are the unknowns, so that walls stay common wherever their ends move. An edge that follows a
direction of its buildings gets a line in this direction that leaves equal areas of the pixels on both sides, and each
vertex moves to where its lines cross.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from img2height.buildings.coverage import Coverage, Polygons

DIRECTIONS = 3  # of buildings that touch, at most
SUPPORT = 0.15  # share of the walls of buildings that touch, which a direction needs
TURN_DEG = 15.0  # largest turn of an edge
REGULAR = 0.6  # share of a building's outline that must follow a direction
CUT = 3  # an edge of so many tolerances may only cut off a corner
LONG = 4  # an edge of this many tolerances that follows no direction is a wall in its own
ROUND = 0.88  # more compact buildings are round; a square has 0.785
FURTHEST = 2.5  # tolerances that a vertex may move, mostly along a wall
SAME = 1e-6  # distance in pixels between equal points


@dataclass(frozen=True)
class Edges:
    """The edges of simplified outlines, with the outline of the pixels along each.

    Attributes:
        ends: Ex2 vertices.
        length: E float64, distance between the ends in pixels.
        angle: E float64, main direction of the pixels' outline in radians, from 0 to pi.
        of_side: edge of each side of the coverage.
        edge: edge of each piece of the pixels' outline.
        middle: Px2, the middle of each piece.
        along: Px2, from its start to its end.
    """

    ends: np.ndarray
    length: np.ndarray
    angle: np.ndarray
    of_side: np.ndarray
    edge: np.ndarray
    middle: np.ndarray
    along: np.ndarray

    @classmethod
    def of(cls, coverage: Coverage, keep: np.ndarray) -> "Edges":
        """Return the edges between the vertices to keep, V bool."""
        arcs, points = coverage.arcs, coverage.points
        pieces, edge, ends = arcs.pieces, arcs.edge(keep), arcs.ends(keep)
        start, end = points[arcs.vertex[pieces]], points[arcs.vertex[pieces + 1]]
        of_side = np.empty(len(pieces), np.int64)
        of_side[arcs.side[pieces]] = edge
        middle, along = (start + end) / 2, end - start
        length = np.hypot(*(points[ends[:, 1]] - points[ends[:, 0]]).T)
        return cls(ends, length, _main_direction(edge, middle, along), of_side, edge, middle, along)

    def offsets(self, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return distance from the origin and weight of the line at each edge that leaves equal areas on both sides.

        Args:
            angle: E, direction of the line of each edge in radians.
        """
        x, y = np.cos(angle)[self.edge], np.sin(angle)[self.edge]
        run = self.along[:, 0] * x + self.along[:, 1] * y
        away = self.middle[:, 1] * x - self.middle[:, 0] * y
        total, moment = (np.bincount(self.edge, values, len(self.length)) for values in (run, run * away))
        return moment / np.where(total == 0, 1, total), np.abs(total)


def _main_direction(edge: np.ndarray, middle: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return the direction in which the outline along each edge extends most, radians from 0 to pi."""
    weight = np.abs(along).sum(axis=1)
    total = np.bincount(edge, weight)
    mean = np.stack([np.bincount(edge, weight * middle[:, k]) / total for k in (0, 1)], axis=1)
    x, y = (middle - mean[edge]).T
    xx, yy, xy = (
        np.bincount(edge, weight * (values + spread / 12))
        for values, spread in ((x * x, along[:, 0] ** 2), (y * y, along[:, 1] ** 2), (x * y, along.prod(axis=1)))
    )
    return np.arctan2(2 * xy, xx - yy) / 2 % np.pi


def regularised(
    coverage: Coverage, keep: np.ndarray, polygons: Polygons, tolerance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where the vertices move, Vx2, which of them stay, V bool, and which buildings are regular, bool.

    Args:
        coverage: the outlines of the pixels.
        keep: the vertices of the simplified outlines, V bool.
        polygons: the simplified outlines; None for a building without one.
        tolerance: in pixels; no edge moves further.
    """
    edges = Edges.of(coverage, keep)
    angle, kind = _directions(edges, len(coverage.points), tolerance)
    regular, allowed = _regular(coverage, edges, kind >= 0, polygons)
    own = (kind < 0) & (edges.length >= LONG * tolerance)
    angle = np.where(allowed, np.where(own, edges.angle, angle), np.nan)
    kind = np.where(allowed, kind, -1)
    at, angle, pairs = _corners(edges, angle, kind, tolerance)
    offset = _lines(edges, angle, pairs, tolerance)
    points = _crossings(coverage.points, at, angle, offset, FURTHEST * tolerance)
    return points, _needed(coverage, keep, points), regular


def _directions(edges: Edges, vertices: int, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the direction that each edge follows, E radians, NaN if none, and its kind: -1, or equal if parallel.

    An edge follows a direction if turning it about its middle moves its ends by less than half the tolerance.
    """
    graph = coo_array((np.ones(len(edges.ends), bool), edges.ends.T), shape=(vertices, vertices))
    _, part = np.unique(connected_components(graph, directed=False)[1][edges.ends[:, 0]], return_inverse=True)
    reach = np.minimum(np.arcsin(np.minimum(tolerance / np.maximum(edges.length, SAME), 1)), np.radians(TURN_DEG))
    total = np.bincount(part, edges.length)
    angle, kind = np.full(len(part), np.nan), np.full(len(part), -1)
    for number in range(DIRECTIONS):
        weight = np.where(kind < 0, edges.length, 0)
        best, support = _strongest(edges.angle, weight, reach, part)
        turn = _turn(edges.angle - best[part])
        chosen = (kind < 0) & (np.abs(turn) <= reach) & (support >= SUPPORT * total)[part]
        quarter = np.rint((edges.angle - turn - best[part]) / (np.pi / 2)).astype(np.int64) % 2
        angle[chosen] = (best[part] + quarter * np.pi / 2)[chosen]
        kind[chosen] = ((part * DIRECTIONS + number) * 2 + quarter)[chosen]
    return angle, kind


def _strongest(
    angle: np.ndarray, weight: np.ndarray, reach: np.ndarray, part: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the direction with most support, radians up to a right angle, and its support, for each part."""

    def closeness(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turn = _turn(angle - direction[part])
        return turn, weight * np.maximum(1 - (turn / reach) ** 2, 0)

    parts = part.max(initial=-1) + 1
    best, support = np.zeros(parts), np.full(parts, -1.0)
    for direction in np.radians(np.arange(90.0)):
        found = np.bincount(part, closeness(np.full(parts, direction))[1])
        best, support = np.where(found > support, direction, best), np.maximum(found, support)
    turn, close = closeness(best)
    return best + np.bincount(part, close * weight * turn) / np.maximum(
        np.bincount(part, close * weight), SAME
    ), support


def _turn(angle: np.ndarray) -> np.ndarray:
    """Return the smallest turn from a direction or its perpendicular, radians."""
    return (angle + np.pi / 4) % (np.pi / 2) - np.pi / 4


def _regular(
    coverage: Coverage, edges: Edges, follows: np.ndarray, polygons: Polygons
) -> tuple[np.ndarray, np.ndarray]:
    """Return which buildings are regular, and which edges belong to a building that is not round, both bool."""
    of = coverage.building[coverage.ring]
    building, edge = np.unique(np.stack([of, edges.of_side[coverage.side]]), axis=1)
    length, straight = (np.bincount(building, edges.length[edge] * part) for part in (1, follows[edge]))
    compact = 4 * np.pi * shapely.area(polygons) / shapely.length(polygons) ** 2
    angular = ~(compact > ROUND)
    return angular & (straight >= REGULAR * length), np.bincount(edge, angular[building], len(edges.length)) > 0


def _corners(
    edges: Edges, angle: np.ndarray, kind: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the vertices on each line, Nx2 (vertex, edge), the directions, E, and pairs of parallel edges, Nx2.

    A short edge between two others that only cuts off a corner loses its line, so that its ends move to the corner; one
    between two parallel edges becomes a step.
    """
    ends, index = edges.ends, np.arange(len(edges.ends))
    at = np.stack([ends.T.ravel(), np.tile(index, 2)], axis=1)
    degree = np.bincount(ends.ravel())
    both = np.bincount(ends.ravel(), np.repeat(index, 2)).astype(np.int64)  # sum of the edges at a vertex
    before, after = (np.where(degree[ends[:, k]] == 2, both[ends[:, k]] - index, index) for k in (0, 1))
    short = (edges.length <= CUT * tolerance) & (np.isnan(angle) | (edges.length <= tolerance))
    firm = ~np.isnan(angle) & ~short
    between = short & firm[before] & firm[after] & (before != after)
    crossing = np.abs(np.sin(angle[before] - angle[after]))
    cut, step = between & (crossing > 0.7), between & (crossing < 0.3) & (kind[before] == kind[after])
    angle = np.where(cut, np.nan, np.where(step, angle[before] + np.pi / 2, angle))
    kind = np.where(short, -1, kind)
    corners = [np.stack([ends[cut, k], neighbour[cut]], axis=1) for k, neighbour in ((0, after), (1, before))]
    order = at[np.lexsort((kind[at[:, 1]], at[:, 0]))]
    one, other = order[:-1], order[1:]
    meet = (one[:, 0] == other[:, 0]) & (kind[one[:, 1]] == kind[other[:, 1]]) & (kind[one[:, 1]] >= 0)
    pairs = np.concatenate(
        [np.stack([one[meet, 1], other[meet, 1]], axis=1), np.stack([before[step], after[step]], axis=1)]
    )
    at = np.concatenate([at, *corners])
    return at[~np.isnan(angle[at[:, 1]])], angle, pairs


def _lines(edges: Edges, angle: np.ndarray, pairs: np.ndarray, tolerance: float) -> np.ndarray:
    """Return the distance of the line of each edge from the origin, E; edges on a line have a common one."""
    offset, weight = edges.offsets(np.nan_to_num(angle))
    near = pairs[np.abs(offset[pairs[:, 0]] - offset[pairs[:, 1]]) <= tolerance]
    graph = coo_array((np.ones(len(near), bool), near.T), shape=(len(offset), len(offset)))
    count, line = connected_components(graph, directed=False)
    common = np.bincount(line, offset * weight) / np.maximum(np.bincount(line, weight), SAME)
    far = np.abs(common[line] - offset) > tolerance
    bent = np.bincount(line, far, count) > 0  # a bow of many edges is no line
    return np.where(bent[line], offset, common[line])


def _crossings(
    points: np.ndarray, at: np.ndarray, angle: np.ndarray, offset: np.ndarray, furthest: float
) -> np.ndarray:
    """Return the points, Vx2, moved to where their lines cross, or onto their line; those that would go far stay."""
    vertex, edge = at.T
    normal = np.stack([-np.sin(angle[edge]), np.cos(angle[edge])], axis=1)
    gap = offset[edge] - (normal * points[vertex]).sum(axis=1)
    moved, row = np.unique(vertex, return_inverse=True)
    system = np.zeros((len(moved), 2, 2))
    np.add.at(system, row, normal[:, :, None] * normal[:, None, :])
    right = np.stack([np.bincount(row, gap * normal[:, k]) for k in (0, 1)], axis=1)
    # lines that are nearly parallel have no useful crossing: only the distance across them counts
    move = (np.linalg.pinv(system, rcond=0.05, hermitian=True) @ right[:, :, None])[:, :, 0]
    points = points.copy()
    distance = np.hypot(*move.T)
    points[moved] += np.where((distance > SAME) & (distance <= furthest), move.T, 0).T
    return points


def _needed(coverage: Coverage, keep: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return which vertices are needed, V bool: not those on a straight wall, nor the second of two at one place."""
    keep, fixed = keep.copy(), coverage.arcs.is_end
    while True:
        ends = coverage.arcs.ends(keep)
        here, there = points[ends[:, 0]], points[ends[:, 1]]
        twice = (np.abs(here - there).max(axis=1) < SAME) & ~fixed[ends].all(axis=1)
        idle = np.where(fixed[ends[:, 1]], ends[:, 0], ends[:, 1])[twice]
        if not len(idle):
            idle = _straight(ends, points)
            idle = idle[~fixed[idle]]
        if not len(idle):
            break
        keep[idle] = False
    idle = _straight(ends, points)
    keep[idle[~coverage.is_node[idle]]] = False  # where the arc of a ring happens to start
    return keep


def _straight(ends: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the vertices between two edges in one direction."""
    both = np.concatenate([ends, ends[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    vertex, first, count = np.unique(both[:, 0], return_index=True, return_counts=True)
    vertex, first = vertex[count == 2], first[count == 2]
    one, other = points[both[first, 1]] - points[vertex], points[both[first + 1, 1]] - points[vertex]
    across = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])
    reach = np.hypot(*(one - other).T)
    return vertex[(across <= SAME * reach) & ((one * other).sum(axis=1) < 0)]

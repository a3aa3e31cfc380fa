"""Water flow on a height grid: filled depressions, one receiver per cell, and sums along the flow.

Depressions are filled along minimax paths: the minimum spanning tree of the grid, with each edge weighted by the
higher of its two cells. The result is that of a priority flood (Barnes et al. 2014,
doi:10.1016/j.cageo.2013.04.024). The flow then takes the steepest of eight neighbours (D8; O'Callaghan and Mark 1984,
doi:10.1016/S0734-189X(84)80011-0). All cells of one level of the tree are processed at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csgraph

# Half of the eight neighbours; the other half are the same edges seen from the other end.
STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))
FALL_M = 1e-3  # slope of a filled depression towards its outlet, per cell


@dataclass(frozen=True)
class Tree:
    """Cells of a grid, numbered row by row, each with the cell into which it drains.

    Attributes:
        receiver: N int; an outlet is its own receiver.
        order: all cells, outlets first and each receiver before the cells that drain into it, N int.
        starts: where each level begins in `order`, and where the last ends.
    """

    receiver: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    def levels(self) -> Iterator[np.ndarray]:
        """Yield the cells of each level above the outlets, from the outlets upstream."""
        for begin, end in zip(self.starts[1:-1], self.starts[2:], strict=True):
            yield self.order[begin:end]

    def accumulate(self, amount: np.ndarray) -> np.ndarray:
        """Return the sum of an amount over all cells that drain through each cell, HxW float64."""
        total = amount.astype(np.float64).ravel()
        for cells in reversed(list(self.levels())):
            np.add.at(total, self.receiver[cells], total[cells])
        return total.reshape(amount.shape)


@dataclass(frozen=True)
class Drainage:
    """Flow on a height grid.

    Attributes:
        filled: heights without depressions, HxW float64 metres.
        tree: receivers and order.
        distance: distance to the receiver in cells, N float64; 1 at outlets.
    """

    filled: np.ndarray
    tree: Tree
    distance: np.ndarray


def drain(height: np.ndarray, outlets: np.ndarray) -> Drainage:
    """Return the drainage of a height grid.

    Args:
        height: HxW metres.
        outlets: where water may leave, at least one cell, HxW bool.
    """
    filled = _fill(height, outlets)
    receiver, distance = _steepest(filled, outlets)
    links = coo_array((np.ones(receiver.size), (np.arange(receiver.size), receiver)), shape=(receiver.size + 1,) * 2)
    return Drainage(filled, _rooted(links, outlets), distance)


def _rooted(links: coo_array, outlets: np.ndarray) -> Tree:
    """Return the tree of a forest of links, whose outlets are attached to one additional node."""
    root, mouths = outlets.size, np.flatnonzero(outlets)
    rows = np.concatenate([links.row, np.full(mouths.size, root)])
    cols = np.concatenate([links.col, mouths])
    graph = coo_array((np.ones(rows.size), (rows, cols)), shape=links.shape).tocsr()
    order, receiver = csgraph.breadth_first_order(graph, root, directed=False)
    place = np.empty(root + 1, np.int64)
    place[order] = np.arange(root + 1)
    parents = place[receiver[order[1:]]]  # never decreases, because the search goes level by level
    bounds = [0, 1]
    while bounds[-1] <= root:
        bounds.append(1 + int(np.searchsorted(parents, bounds[-1])))
    receiver[mouths] = mouths
    return Tree(receiver[:root], order[1:], np.array(bounds[1:]) - 1)


def _fill(height: np.ndarray, outlets: np.ndarray) -> np.ndarray:
    numbers = np.arange(height.size).reshape(height.shape)
    lifted = height - height.min() + 1.0  # an edge of weight 0 would count as no edge
    rows, cols, weights = [], [], []
    for step in STEPS:
        here, there = _neighbours(height.shape, step)
        rows.append(numbers[here].ravel())
        cols.append(numbers[there].ravel())
        weights.append(np.maximum(lifted[here], lifted[there]).ravel())
    mouths = np.flatnonzero(outlets)
    rows.append(np.full(mouths.size, height.size))
    cols.append(mouths)
    weights.append(np.full(mouths.size, 0.5))
    edges = (np.concatenate(rows), np.concatenate(cols))
    graph = coo_array((np.concatenate(weights), edges), shape=(height.size + 1,) * 2).tocsr()
    tree = _rooted(csgraph.minimum_spanning_tree(graph).tocoo(), outlets)
    filled = height.astype(np.float64).ravel()
    for cells in tree.levels():
        filled[cells] = np.maximum(filled[cells], filled[tree.receiver[cells]] + FALL_M)
    return filled.reshape(height.shape)


def _steepest(filled: np.ndarray, outlets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the steepest downhill neighbour and its distance in cells, each N."""
    numbers = np.arange(filled.size).reshape(filled.shape)
    slope, receiver, distance = np.zeros(filled.shape), numbers.copy(), np.ones(filled.shape)
    for step in STEPS:
        length = float(np.hypot(*step))
        for here, there in (pair := _neighbours(filled.shape, step), pair[::-1]):
            down = (filled[here] - filled[there]) / length
            better = (down > slope[here]) & ~outlets[here]
            slope[here] = np.where(better, down, slope[here])
            receiver[here] = np.where(better, numbers[there], receiver[here])
            distance[here] = np.where(better, length, distance[here])
    return receiver.ravel(), distance.ravel()


def _neighbours(shape: tuple[int, int], step: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the windows of the cells that have a neighbour one step away, and of those neighbours."""
    pairs = [
        (slice(max(0, -s), n - max(0, s)), slice(max(0, s), n - max(0, -s))) for n, s in zip(shape, step, strict=True)
    ]
    (here_rows, there_rows), (here_cols, there_cols) = pairs
    return (here_rows, here_cols), (there_rows, there_cols)

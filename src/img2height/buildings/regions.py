"""Regions of pixels that share edges, found block by block and joined where the blocks meet.

They are those of the whole raster, whatever its size: memory holds one block, its border and a table of the regions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas
from rasterio.windows import Window
from scipy.ndimage import find_objects, label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from img2height.io.grid import blocks

BLOCK_PX = 1024  # side of a block: few regions cross its border, and it takes a few MiB
COLUMNS = {"pixels": "sum", "first": "min", "top": "min", "left": "min", "bottom": "max", "right": "max"}

Reader = Callable[[Window], np.ndarray]  # reads a window of a raster, HxW


def blocks_of(shape: tuple[int, int]) -> list[Window]:
    """Return the blocks of a raster with these rows and columns, row by row."""
    return list(blocks(Window(0, 0, shape[1], shape[0]), BLOCK_PX))


@dataclass(frozen=True)
class Regions:
    """The regions of a mask.

    Attributes:
        starts: number of pieces before each block, by its first row and column; a piece is the part of a region inside
            one block.
        numbers: region of each piece, int; the first stands for no region.
        table: one row per region: `pixels`; `first`, its first pixel, counted row by row over the raster; `top`,
            `left`, `bottom` and `right` of its window in pixels.
    """

    starts: dict[tuple[int, int], int]
    numbers: np.ndarray
    table: pandas.DataFrame

    def sizes(self, mask: np.ndarray, block: Window) -> np.ndarray:
        """Return the pixel count, in the whole raster, of the region of each pixel, HxW int64, 0 outside the mask.

        Args:
            mask: HxW bool, as it was when the regions were found.
            block: one of `blocks_of` the raster.
        """
        labels, found = label(mask)
        start = self.starts[block.row_off, block.col_off]
        sizes = self.table["pixels"].to_numpy()[self.numbers[start + 1 : start + found + 1] - 1]
        return np.append(0, sizes)[labels]

    def windows(self) -> Iterator[tuple[Window, np.ndarray]]:
        """Yield windows and the first pixels, ascending, of the regions to read there: each is complete in its window.

        Regions within one block share a window, and so do those that cross the same borders.
        """
        corners = ("top", self.table["top"]), ("left", self.table["left"])
        ends = ("bottom", self.table["bottom"] - 1), ("right", self.table["right"] - 1)
        blocks = pandas.DataFrame({name: value // BLOCK_PX for name, value in (*corners, *ends)})
        for _, group in self.table.groupby([blocks[name] for name in blocks], sort=False):
            top, left = int(group["top"].min()), int(group["left"].min())
            size = int(group["right"].max()) - left, int(group["bottom"].max()) - top
            yield Window(left, top, *size), np.sort(group["first"].to_numpy())


def find_regions(mask: Reader, shape: tuple[int, int]) -> Regions:
    """Return the regions of a mask.

    Args:
        mask: reads HxW bool of a block.
        shape: rows and columns of the raster.
    """
    above, left = np.zeros(shape[1], np.int64), np.zeros(0, np.int64)
    starts, pieces, seams, count = {}, [], [], 0
    for block in blocks_of(shape):
        labels, found = label(mask(block))
        numbers = np.where(labels > 0, labels + np.int64(count), 0)
        columns = slice(block.col_off, block.col_off + block.width)
        seams.append(_meeting(above[columns], numbers[0]))
        if block.col_off:
            seams.append(_meeting(left, numbers[:, 0]))
        above[columns], left = numbers[-1], numbers[:, -1]
        starts[block.row_off, block.col_off] = count
        pieces.append(_pieces(labels, found, block, shape[1]))
        count += found
    pairs = np.concatenate(seams)
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count + 1, count + 1))
    _, numbers = connected_components(graph, directed=False)
    table = pandas.DataFrame(np.concatenate(pieces), columns=list(COLUMNS)).groupby(numbers[1:]).agg(COLUMNS)
    return Regions(starts, numbers, table)


def first_pixels(labels: np.ndarray) -> np.ndarray:
    """Return the first pixel of each label from 0 on, counted row by row, int64; -1 if it has none, and for label 0."""
    flat = labels.ravel()
    inside = np.flatnonzero(flat)[::-1]
    first = np.full(flat.max(initial=0) + 1, -1, np.int64)
    first[flat[inside]] = inside  # backwards, so that the first pixel of each is written last
    return first


def _meeting(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the pairs of pieces that face each other across a border, Nx2."""
    pairs = np.stack([one, other], axis=1)
    return np.unique(pairs[(pairs > 0).all(axis=1)], axis=0)


def _pieces(labels: np.ndarray, found: int, block: Window, width: int) -> np.ndarray:
    """Return the columns of the table for the pieces of a block, Nx6 int64."""
    rows, columns = np.divmod(first_pixels(labels)[1:], labels.shape[1])
    boxes = [(y.start, x.start, y.stop, x.stop) for y, x in find_objects(labels)]
    corner = np.array([block.row_off, block.col_off] * 2)
    windows = np.array(boxes, np.int64).reshape(-1, 4) + corner
    pixels = np.bincount(labels.ravel(), minlength=found + 1)[1:]
    return np.column_stack([pixels, (rows + block.row_off) * width + columns + block.col_off, windows])

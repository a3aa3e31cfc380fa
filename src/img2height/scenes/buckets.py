"""The points of clouds divided among the blocks of a grid, on disk, and what the pixels of a block show of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from img2height.io.clouds import Cloud, points_of
from img2height.io.grid import BLOCK_PX, Grid
from img2height.io.projections import operation
from img2height.settings.ground import PointRules

SQUARE_PX = 8  # pixels count as covered or not where their square has a point
RECORD = np.dtype([("pixel", "<u4"), ("height_m", "<f4"), ("ground", "?")])


@dataclass
class Count:
    """What was found in point clouds.

    Attributes:
        points: on the grid, without those that are left out.
        left_out: number of points of noise on the grid, by class.
        ground: number of ground points.
        pixels: with a point.
        squares_px: pixels of all squares with a point.
    """

    points: int = 0
    left_out: dict[int, int] = field(default_factory=dict)
    ground: int = 0
    pixels: int = 0
    squares_px: int = 0

    @property
    def covered(self) -> float:
        """Share of the pixels with a point, where there are points at all."""
        return self.pixels / self.squares_px if self.squares_px else 0.0


def divide_points(clouds: Sequence[Cloud], grid: Grid, rules: PointRules, work: Path) -> Count:
    """Append the points of each block of the grid to a file of the block, and return what was found."""
    count = Count()
    noise, ground = (np.isin(np.arange(256), classes) for classes in (rules.left_out, rules.ground))
    to_pixels = ~grid.transform
    for cloud in clouds:
        move = _move(cloud, grid)
        for points in points_of(cloud):
            columns, rows = to_pixels @ move(points.x, points.y)
            inside = (columns >= 0) & (columns < grid.width) & (rows >= 0) & (rows < grid.height)
            for number, found in zip(*np.unique(points.classes[inside], return_counts=True), strict=True):
                if noise[number]:
                    count.left_out[int(number)] = count.left_out.get(int(number), 0) + int(found)
            inside &= ~noise[points.classes]
            column, row = columns[inside].astype(np.int64), rows[inside].astype(np.int64)
            records = np.empty(len(row), RECORD)
            records["pixel"] = row % BLOCK_PX * BLOCK_PX + column % BLOCK_PX
            records["height_m"], records["ground"] = points.height_m[inside], ground[points.classes[inside]]
            count.points += len(records)
            count.ground += int(records["ground"].sum())
            _append(work, row // BLOCK_PX, column // BLOCK_PX, records)
    return count


def _move(cloud: Cloud, grid: Grid) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return the transformation of map coordinates of a cloud to those of the grid."""
    if cloud.crs == grid.crs:
        return lambda x, y: (x, y)
    return operation(cloud.crs, grid.crs, grid.place).transformer.transform


def _append(work: Path, row: np.ndarray, column: np.ndarray, records: np.ndarray) -> None:
    keys = row << 32 | column
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    for key, part in zip(found, np.split(order, starts)[1:], strict=True):
        with bucket_of(work, int(key) >> 32, int(key) & 0xFFFFFFFF).open("ab") as file:
            file.write(records[part].tobytes())


def bucket_of(work: Path, row: int, column: int) -> Path:
    """Return the file with the points of a block, by its row and column among the blocks."""
    return work / f"{row}_{column}.points"


def reduce_points(records: np.ndarray, surface: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the surface, the mean of the ground points and the lowest height of each pixel of a block.

    All are `BLOCK_PX` x `BLOCK_PX` float32 metres, NaN where there are no points.

    Args:
        records: N points with `pixel` (row x BLOCK_PX + column in the block), `height_m` and `ground`; in any order.
        surface: `max`, or `p95`: the height that 95 % of the points do not exceed.
    """
    ordered = records[np.lexsort((records["height_m"], records["pixel"]))]
    pixels, starts, counts = np.unique(ordered["pixel"], return_index=True, return_counts=True)
    rank = counts - 1 if surface == "max" else np.ceil(0.95 * counts).astype(np.int64) - 1
    found = np.full((3, BLOCK_PX * BLOCK_PX), np.nan, np.float32)
    found[0, pixels] = ordered["height_m"][starts + rank]
    found[2, pixels] = ordered["height_m"][starts]
    below = ordered[ordered["ground"]]
    pixels, starts, counts = np.unique(below["pixel"], return_index=True, return_counts=True)
    if len(below):
        found[1, pixels] = np.add.reduceat(below["height_m"].astype(np.float64), starts) / counts
    top, terrain, lowest = found.reshape(3, BLOCK_PX, BLOCK_PX)
    return top, terrain, lowest


def count_covered(valid: np.ndarray, count: Count) -> None:
    """Add a block, HxW bool, to the counts of pixels with a point and of pixels in squares with one."""
    rows, columns = (range(0, length, SQUARE_PX) for length in valid.shape)
    pixels = np.add.reduceat(np.add.reduceat(valid.astype(np.int64), rows, axis=0), columns, axis=1)
    sizes = np.outer(*(np.diff([*starts, n]) for starts, n in zip((rows, columns), valid.shape, strict=True)))
    count.pixels += int(pixels.sum())
    count.squares_px += int(sizes[pixels > 0].sum())

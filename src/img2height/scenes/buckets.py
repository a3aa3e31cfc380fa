"""The points of clouds divided among the blocks of a grid, on disk, and what the pixels of a block show of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from img2height.io.clouds import Cloud, points_of
from img2height.io.grid import BLOCK_PX, Grid
from img2height.io.projections import operation
from img2height.settings.ground import PointRules

DIGITS = 6  # of pixel coordinates, so that all points on the border of two pixels lie in one of them
SQUARE_PX = 8  # pixels count as covered or not where their square has a point
# A point is one number, so that sorting orders points by pixel and height: the pixel in its block, the height, and
# whether it is ground.
RECORD = np.dtype("<u8")
PIXEL, HEIGHT = np.uint64(33), np.uint64(1)  # bits below the pixel and below the height
SIGN = np.uint32(1 << 31)


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
            columns, rows = np.round(to_pixels @ move(points.x, points.y), DIGITS)
            inside = (columns >= 0) & (columns < grid.width) & (rows >= 0) & (rows < grid.height)
            found = np.bincount(points.classes[inside], minlength=256)
            for number in np.flatnonzero(found * noise).tolist():
                count.left_out[number] = count.left_out.get(number, 0) + int(found[number])
            inside &= ~noise[points.classes]
            column, row = columns[inside].astype(np.int64), rows[inside].astype(np.int64)
            is_ground = ground[points.classes[inside]]
            pixel = row % BLOCK_PX * BLOCK_PX + column % BLOCK_PX
            count.points += len(row)
            count.ground += int(is_ground.sum())
            _append(work, row // BLOCK_PX, column // BLOCK_PX, _records(pixel, points.height_m[inside], is_ground))
    return count


def _records(pixel: np.ndarray, height_m: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Return points as numbers in the order of pixel and height, N uint64."""
    bits = (height_m.astype(np.float32) + np.float32(0)).view(np.uint32)  # + 0: -0 and 0 are one height
    ordered = np.where(bits & SIGN, ~bits, bits | SIGN)  # in the order of the heights
    return pixel.astype(np.uint64) << PIXEL | ordered.astype(np.uint64) << HEIGHT | ground.astype(np.uint64)


def _heights(records: np.ndarray) -> np.ndarray:
    """Return the heights of points, N float32 metres."""
    ordered = (records >> HEIGHT).astype(np.uint32)  # without the bits of the pixel
    return np.where(ordered & SIGN, ordered ^ SIGN, ~ordered).view(np.float32)


def _move(cloud: Cloud, grid: Grid) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return the transformation of map coordinates of a cloud to those of the grid."""
    if cloud.crs == grid.crs:
        return lambda x, y: (x, y)
    return operation(cloud.crs, grid.crs, grid.place).transformer.transform


def _append(work: Path, row: np.ndarray, column: np.ndarray, records: np.ndarray) -> None:
    width = int(column.max(initial=0)) + 1
    keys = row * width + column
    keys = keys.astype(np.min_scalar_type(keys.max(initial=0)))  # short numbers are sorted much faster
    order = np.argsort(keys, kind="stable")
    starts = _starts(keys[order])
    for part in np.split(order, starts[1:]) if len(starts) else []:
        with bucket_of(work, int(row[part[0]]), int(column[part[0]])).open("ab") as file:
            file.write(records[part].tobytes())


def bucket_of(work: Path, row: int, column: int) -> Path:
    """Return the file with the points of a block, by its row and column among the blocks."""
    return work / f"{row}_{column}.points"


def reduce_points(records: np.ndarray, surface: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the surface, the mean of the ground points and the lowest height of each pixel of a block.

    All are `BLOCK_PX` x `BLOCK_PX` float32 metres, NaN where there are no points.

    Args:
        records: N points as in the file of a block, in any order.
        surface: `max`, or `p95`: the height that 95 % of the points do not exceed.
    """
    found = np.full((3, BLOCK_PX * BLOCK_PX), np.nan, np.float32)
    ordered = np.sort(records)
    pixels, starts, counts = _pixels(ordered)
    rank = counts - 1 if surface == "max" else np.ceil(0.95 * counts).astype(np.int64) - 1
    found[0, pixels] = _heights(ordered[starts + rank])
    found[2, pixels] = _heights(ordered[starts])
    below = ordered[(ordered & np.uint64(1)).astype(bool)]
    if len(below):
        pixels, starts, counts = _pixels(below)
        found[1, pixels] = np.add.reduceat(_heights(below).astype(np.float64), starts) / counts
    top, terrain, lowest = found.reshape(3, BLOCK_PX, BLOCK_PX)
    return top, terrain, lowest


def _pixels(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pixels of ordered points, where the points of each begin, and how many it has."""
    pixels = (ordered >> PIXEL).astype(np.int64)
    starts = _starts(pixels)
    return pixels[starts], starts, np.diff(starts, append=len(pixels))


def _starts(ordered: np.ndarray) -> np.ndarray:
    """Return where each of some ordered numbers first occurs."""
    return np.flatnonzero(np.concatenate([np.ones(min(len(ordered), 1), bool), ordered[1:] != ordered[:-1]]))


def count_covered(valid: np.ndarray, count: Count) -> None:
    """Add a block, HxW bool, to the counts of pixels with a point and of pixels in squares with one."""
    rows, columns = (range(0, length, SQUARE_PX) for length in valid.shape)
    pixels = np.add.reduceat(np.add.reduceat(valid.astype(np.int64), rows, axis=0), columns, axis=1)
    sizes = np.outer(*(np.diff([*starts, n]) for starts, n in zip((rows, columns), valid.shape, strict=True)))
    count.pixels += int(pixels.sum())
    count.squares_px += int(sizes[pixels > 0].sum())

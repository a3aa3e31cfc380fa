"""Which cells of a surface are ground, by a progressive morphological filter.

Zhang et al. (2003), https://doi.org/10.1109/TGRS.2003.810682, with two additions: cells at the border or beside missing
ones are treated as those inside, and pits as errors.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import ndimage

from img2height.settings.ground import GroundFilter

PIT_CELLS = 9  # most cells of a pit; ditches and alleys have more
CLOSING_CELLS = 5  # side of the square that fills pits
STIFFNESS = 3e-4  # of planes: the closer the cells that they are fitted to, the less they slope


def ground_cells(low_m: np.ndarray, cell_m: float, settings: GroundFilter) -> np.ndarray:
    """Return which cells are ground, HxW bool.

    The filter is applied twice. Nothing is assumed beyond the border and in missing cells, so that it cuts off the
    upper end of a slope like a roof. The second time it is applied to the heights above planes, which are fitted to the
    ground around each cell that was found the first time.

    Args:
        low_m: HxW float32 metres, NaN where missing.
        cell_m: side of a cell.
        settings: of the filter.
    """
    valid = np.isfinite(low_m)
    if not valid.any():
        return valid
    window = min(settings.window_m / cell_m, *low_m.shape)  # a wider one would only see what lies beyond the border
    dips, filled = _dips(low_m, valid, settings.step_m)
    first = _rises_slowly(filled, valid, window, cell_m, settings) & ~dips
    planes, near = _planes(low_m, first, math.ceil(window / 2))
    # A dip in the ground is an error of measurement; one between trees shows the ground.
    level = near & ~dips & (np.abs(low_m - planes) < settings.step_m)
    pits = dips & _surrounded(first | level, valid & ~dips)
    above = np.where(pits, filled, low_m) - planes
    return _rises_slowly(above, valid & near, window, cell_m, settings) & ~pits


def _rises_slowly(
    heights_m: np.ndarray, valid: np.ndarray, window: float, cell_m: float, settings: GroundFilter
) -> np.ndarray:
    """Return which cells rise no faster than terrain does, HxW bool.

    Openings by growing squares flatten what is narrower than them. A cell that one opening lowers by more than the
    terrain may rise over the growth of the square is not ground.

    Args:
        heights_m: HxW float.
        valid: HxW bool; other cells, and those beyond the border, do not count.
        window: side of the largest square in cells.
        cell_m: side of a cell.
        settings: of the filter.
    """
    ground, before, side = valid, heights_m, 1
    for wider in _sides(window):
        opened = _opened(before, valid, wider)
        rise = settings.slope * (wider - side) * cell_m + settings.step_m
        ground = ground & (before - opened <= min(rise, settings.highest_step_m))
        before, side = opened, wider
    return ground


def _sides(window: float) -> Iterator[int]:
    """Yield the odd sides of the squares in cells: 3, 5, 9, ... up to the window."""
    half = 1
    while 2 * half + 1 < window:
        yield 2 * half + 1
        half *= 2
    yield 2 * math.ceil(window / 2) + 1


def _opened(heights_m: np.ndarray, valid: np.ndarray, side: int) -> np.ndarray:
    """Return the opening by squares around valid cells, of which only valid cells count; HxW float32, 0 elsewhere."""
    heights = heights_m.astype(np.float32)
    low = ndimage.minimum_filter(np.where(valid, heights, np.inf), side, mode="constant", cval=np.inf)
    opened = ndimage.maximum_filter(np.where(valid, low, -np.inf), side, mode="constant", cval=-np.inf)
    return np.where(valid, opened, np.float32(0))


def _dips(low_m: np.ndarray, valid: np.ndarray, step_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which cells lie in a dip of a few cells, HxW bool, and the heights with all such dips filled."""
    closed = -_opened(-low_m, valid, CLOSING_CELLS)
    groups, _ = ndimage.label(closed - low_m > step_m, np.ones((3, 3)))
    small = np.bincount(groups.ravel()) <= PIT_CELLS
    small[0] = False  # the cells outside all groups
    dips = small[groups]
    return dips, np.where(dips, closed, low_m)


def _surrounded(ground: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return around which cells more than half of the others are ground, HxW bool."""
    near, around = (
        ndimage.uniform_filter(cells.astype(np.float64), CLOSING_CELLS, mode="constant") for cells in (ground, others)
    )
    return near > around / 2


def _planes(heights_m: np.ndarray, ground: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the height of a plane through the ground around each cell, HxW float64, and where there is one, HxW bool.

    Args:
        heights_m: HxW float32.
        ground: HxW bool, the cells that planes are fitted to by least squares.
        reach: half the side of the square around a cell, in cells.
    """

    def mean(values: Any) -> Any:
        return ndimage.uniform_filter(np.where(ground, values, 0.0), 2 * reach + 1, mode="constant")

    share = mean(1.0)
    near = share > 0.5 / (2 * reach + 1) ** 2  # half a cell, because running sums are not exact
    share = np.where(near, share, 1)
    y, x = np.indices(ground.shape, np.float64)
    of_y, of_x, of_z = (mean(values) / share for values in (y, x, heights_m))
    yy, xx = (mean(v * v) / share - of_v**2 + STIFFNESS * reach**2 for v, of_v in ((y, of_y), (x, of_x)))
    yz, xz = (mean(v * heights_m) / share - of_v * of_z for v, of_v in ((y, of_y), (x, of_x)))
    xy = mean(x * y) / share - of_x * of_y
    down, right = yz * xx - xz * xy, xz * yy - yz * xy
    return of_z + (down * (y - of_y) + right * (x - of_x)) / (yy * xx - xy**2), near

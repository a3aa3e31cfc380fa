"""Joins predicted rasters: those of all folds, and those of all pairs of images."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.rasters import Band, open_raster, read_heights, write_heights


def mosaic_folds(heights: Sequence[Path], grid: Grid, out: Path) -> None:
    """Write the heights of all folds of a scene as one COG, predicted out of fold: no pixel was used for training.

    Args:
        heights: heights of the test area of each fold.
        grid: the scene's grid.
        out: the COG.

    Raises:
        DataError: grids or quantities differ, or two folds predict the same pixel.
    """

    def merged(block: Window, rasters: list[DatasetReader]) -> np.ndarray:
        stack = np.stack([read_heights(raster, block) for raster in rasters])  # folds x H x W
        valid = np.isfinite(stack)
        if (valid.sum(axis=0) > 1).any():
            both = ", ".join(str(path) for path, there in zip(heights, valid, strict=True) if there.any())
            raise DataError(f"{both}: predict the same pixels; the test areas of folds must not overlap: split again")
        return np.fmax.reduce(stack)  # the one valid height, or NaN

    _write_blocks(heights, grid, out, merged)


def merge_pairs(heights: Sequence[Path], grid: Grid, out: Path) -> None:
    """Write the median over image pairs at each pixel as a COG; missing only where every pair is missing.

    Args:
        heights: heights of the same area, one raster per pair.
        grid: the scene's grid.
        out: the COG.

    Raises:
        DataError: grids or quantities differ.
    """

    def median(block: Window, rasters: list[DatasetReader]) -> np.ndarray:
        stack = np.ma.masked_invalid(np.stack([read_heights(raster, block) for raster in rasters]))  # pairs x H x W
        return np.ma.median(stack, axis=0).filled(np.nan).astype(np.float32)

    _write_blocks(heights, grid, out, median)


def _write_blocks(
    sources: Sequence[Path], grid: Grid, out: Path, compute: Callable[[Window, list[DatasetReader]], np.ndarray]
) -> None:  # fmt: skip
    """Write a COG block by block: `compute` returns values, NaN where missing, from the open sources."""
    if not sources:
        raise DataError(f"{out.name}: there are no heights to join; give those of one raster at least")
    with ExitStack() as stack:
        rasters = [stack.enter_context(open_raster(path)) for path in sources]
        write_heights(out, grid, [_common_band(rasters, grid)], lambda block: compute(block, rasters))


def _common_band(rasters: list[DatasetReader], grid: Grid) -> Band:
    """Return the common quantity and unit of all rasters, which must be on the grid."""
    for raster in rasters:
        if not Grid.of(raster).matches(grid):
            raise DataError(f"{raster.name}: is not on the grid of its scene; predict it again")
    bands = {Band(raster.descriptions[0] or "", raster.units[0] or "") for raster in rasters}
    if len(bands) != 1:
        raise DataError(f"{', '.join(raster.name for raster in rasters)}: contain different quantities ({bands})")
    return bands.pop()

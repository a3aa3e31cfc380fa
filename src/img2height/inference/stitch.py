"""Joins predicted rasters: those of all folds, and those of all pairs of images."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.inference.tags import joined
from img2height.io.grid import Grid
from img2height.io.rasters import Band, open_raster, read_heights, write_heights


def mosaic_folds(parts: Sequence[Path], grid: Grid, out: Path) -> None:
    """Write what all folds of a scene predict as one COG, out of fold: no pixel was used for training.

    Args:
        parts: heights, or probabilities, of the test area of each fold.
        grid: the scene's grid.
        out: the COG.

    Raises:
        DataError: grids or quantities differ, or two folds predict the same pixel.
    """

    def merged(block: Window, rasters: list[DatasetReader]) -> np.ndarray:
        stack = np.stack([read_heights(raster, block, raster.indexes) for raster in rasters])  # folds x bands x H x W
        valid = np.isfinite(stack)
        if (valid.sum(axis=0) > 1).any():
            both = ", ".join(str(path) for path, there in zip(parts, valid, strict=True) if there.any())
            raise DataError(f"{both}: predict the same pixels; the test areas of folds must not overlap: split again")
        return np.fmax.reduce(stack)  # the one valid value, or NaN

    _write_blocks(parts, grid, out, merged)


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
    """Write a COG block by block: `compute` returns values, NaN where missing, from the open sources.

    Its tags are those of the sources.
    """
    if not sources:
        raise DataError(f"{out.name}: there are no heights to join; give those of one raster at least")
    with ExitStack() as stack:
        rasters = [stack.enter_context(open_raster(path)) for path in sources]
        write_heights(out, grid, _common_bands(rasters, grid), lambda block: compute(block, rasters), joined(rasters))


def _common_bands(rasters: list[DatasetReader], grid: Grid) -> list[Band]:
    """Return the common quantities and units of all rasters, which must be on the grid."""
    for raster in rasters:
        if not Grid.of(raster).matches(grid):
            raise DataError(f"{raster.name}: is not on the grid of its scene; predict it again")
    found = {tuple(zip(raster.descriptions, raster.units, strict=True)) for raster in rasters}
    if len(found) != 1:
        raise DataError(f"{', '.join(raster.name for raster in rasters)}: contain different quantities ({found})")
    return [Band(description or "", unit or "") for description, unit in found.pop()]

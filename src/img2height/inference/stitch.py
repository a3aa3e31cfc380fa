"""Brings predicted scratch rasters into their final form: one fold's test area, and the mosaic of all folds."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError
from img2height.rasters import (
    BLOCK_PX,
    NODATA,
    Band,
    Grid,
    copy_to_cog,
    create_scratch,
    open_raster,
    read_heights,
)
from img2height.tiles.areas import area_mask


def stitch_area(windows: Path, area: BaseGeometry, grid: Grid, out: Path) -> None:
    """Write the heights of an area as a COG, unknown elsewhere.

    Args:
        windows: what `predict_raster` wrote.
        area: polygon in pixel coordinates; a pixel belongs to it by its centre.
        grid: the scene's grid.
        out: the COG.

    Raises:
        DataError: the heights lie on another grid, or the area is empty.
    """
    if area.is_empty:
        raise DataError(f"{windows}: this scene has no test area in this fold; leave it out or choose another fold")

    def masked(block: Window, rasters: list[DatasetReader]) -> np.ndarray:
        return np.where(area_mask(area, block), read_heights(rasters[0], block), np.float32(np.nan))

    _write_blocks([windows], grid, out, masked)


def mosaic_folds(heights: Sequence[Path], grid: Grid, out: Path) -> None:
    """Write the heights of all folds of a scene as one COG: out of fold, no pixel was ever trained on.

    Args:
        heights: what `stitch_area` wrote, one a fold.
        grid: the scene's grid.
        out: the COG.

    Raises:
        DataError: grids or quantities differ, or two folds predict the same pixel.
    """

    def merged(block: Window, rasters: list[DatasetReader]) -> np.ndarray:
        stack = np.stack([read_heights(raster, block) for raster in rasters])  # folds x H x W
        known = np.isfinite(stack)
        if (known.sum(axis=0) > 1).any():
            both = ", ".join(str(path) for path, there in zip(heights, known, strict=True) if there.any())
            raise DataError(f"{both}: predict the same pixels; the test areas of folds must not overlap: split again")
        return np.fmax.reduce(stack)  # the one known height, or NaN

    _write_blocks(heights, grid, out, merged)


def _write_blocks(
    sources: Sequence[Path], grid: Grid, out: Path, compute: Callable[[Window, list[DatasetReader]], np.ndarray]
) -> None:
    """Write a COG of heights, block by block: `compute` gives metres, NaN where unknown, from the open sources."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        rasters = [stack.enter_context(open_raster(path)) for path in sources]
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=out.parent, prefix=".scratch."))) / out.name
        with create_scratch(scratch, grid, [_common_band(rasters, grid)], "float32", NODATA) as writer:
            for block in blocks(grid):
                heights_m = compute(block, rasters)
                writer.write(np.where(np.isfinite(heights_m), heights_m, np.float32(NODATA)), block)
        copy_to_cog(scratch, out)


def _common_band(rasters: list[DatasetReader], grid: Grid) -> Band:
    """Return the one quantity and unit of all rasters, which must lie on the grid."""
    for raster in rasters:
        if Grid.of(raster) != grid:
            raise DataError(f"{raster.name}: does not lie on the grid of its scene; predict it again")
    bands = {Band(raster.descriptions[0] or "", raster.units[0] or "") for raster in rasters}
    if len(bands) != 1:
        raise DataError(f"{', '.join(raster.name for raster in rasters)}: hold different quantities ({bands})")
    return bands.pop()


def blocks(grid: Grid) -> Iterator[Window]:
    """Yield the file blocks of a grid, row by row."""
    for row in range(0, grid.height, BLOCK_PX):
        for column in range(0, grid.width, BLOCK_PX):
            yield Window(column, row, min(BLOCK_PX, grid.width - column), min(BLOCK_PX, grid.height - row))

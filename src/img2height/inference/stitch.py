"""Brings predicted scratch rasters into their final form: one fold's test area, and the mosaic of all folds."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError
from img2height.rasters import Band, Grid, open_raster, read_heights, write_heights
from img2height.tiles.areas import area_mask


def stitch_area(windows: Path, area: BaseGeometry, grid: Grid, out: Path, band: int = 1) -> None:
    """Write the heights (or another band) of an area as a COG, unknown elsewhere.

    Args:
        windows: what `predict_raster` wrote.
        area: polygon in pixel coordinates; a pixel belongs to it by its centre. An empty one leaves all unknown.
        grid: the scene's grid.
        out: the COG.
        band: 1 holds heights, 2 the probability of a building.

    Raises:
        DataError: the heights lie on another grid.
    """

    def masked(block: Window, rasters: list[DatasetReader]) -> np.ndarray:
        return np.where(area_mask(area, block), read_heights(rasters[0], block, band), np.float32(np.nan))

    _write_blocks([windows], grid, out, masked, band)


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


def merge_pairs(heights: Sequence[Path], grid: Grid, out: Path) -> None:
    """Write the median over image pairs of each pixel as a COG; unknown only where it is unknown from every pair.

    Args:
        heights: of the same ground, one a pair.
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
    sources: Sequence[Path], grid: Grid, out: Path, compute: Callable[[Window, list[DatasetReader]], np.ndarray],
    band: int = 1,
) -> None:  # fmt: skip
    """Write a COG block by block: `compute` gives values, NaN where unknown, from the open sources."""
    with ExitStack() as stack:
        rasters = [stack.enter_context(open_raster(path)) for path in sources]
        write_heights(out, grid, [_common_band(rasters, grid, band)], lambda block: compute(block, rasters))


def _common_band(rasters: list[DatasetReader], grid: Grid, band: int) -> Band:
    """Return the one quantity and unit of a band of all rasters, which must lie on the grid."""
    for raster in rasters:
        if raster.count < band:
            raise DataError(f"{raster.name}: has no band {band}; its method tells no footprints")
        if Grid.of(raster) != grid:
            raise DataError(f"{raster.name}: does not lie on the grid of its scene; predict it again")
    bands = {Band(raster.descriptions[band - 1] or "", raster.units[band - 1] or "") for raster in rasters}
    if len(bands) != 1:
        raise DataError(f"{', '.join(raster.name for raster in rasters)}: hold different quantities ({bands})")
    return bands.pop()

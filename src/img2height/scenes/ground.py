"""The terrain under a surface model by a progressive morphological filter, where no terrain model was delivered.

Zhang et al. (2003), https://doi.org/10.1109/TGRS.2003.810682, on cells of about a metre instead of points.
"""

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from affine import Affine
from rasterio.enums import Resampling
from rasterio.windows import Window
from scipy import ndimage

from img2height.io.grid import Grid, blocks
from img2height.io.rasters import Band, copy_to_cog, create_scratch, height_band, open_raster, read_heights, set_tags
from img2height.io.warping import warped
from img2height.scenes.filling import MARK_OF
from img2height.scenes.ground_cells import ground_cells
from img2height.scenes.holes import weighted_nearest
from img2height.settings.ground import GroundFilter
from img2height.vocabulary.layers import MISSING, NODATA

LOW = 0.1  # quantile of the heights in a cell: low, but not an outlier
BLOCK_CELLS = 1024


def estimate_terrain(
    folder: Path, grid: Grid, settings: GroundFilter, lowest: Path | None = None,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> None:  # fmt: skip
    """Write the estimated terrain below the surface of a scene, and the mark of the pixels that are not ground.

    Args:
        folder: contains dsm.tif; dtm.tif and dtm_filled.tif are written.
        grid: of the scene.
        settings: of the filter.
        lowest: lowest heights of the pixels, on the same grid, if more is known than the surface.
        tags: of the raster, about its origin.
    """
    step = max(1, round(settings.cell_m / grid.gsd_m))
    rows, columns = (math.ceil(side / step) for side in grid.shape)
    coarse = Grid(grid.crs, grid.transform @ Affine.scale(step), columns, rows)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".ground.") as temporary:
        cells, ground = Path(temporary) / "cells.tif", Path(temporary) / "ground.tif"
        _write_cells(lowest or folder / "dsm.tif", grid, coarse, step, cells)
        _write_ground(cells, coarse, settings, ground)
        _write_terrain(folder, grid, ground, settings, tags)


def _write_cells(surface: Path, grid: Grid, coarse: Grid, step: int, path: Path) -> None:
    """Write the low heights of all cells."""
    with open_raster(surface) as dsm, create_scratch(path, coarse, [height_band("dsm")], "float32", NODATA) as out:
        for block in blocks(Window(0, 0, coarse.width, coarse.height), max(1, BLOCK_CELLS // step)):
            fine = grid.clip(Window(*(step * side for side in block.flatten())))
            low = low_heights(read_heights(dsm, fine), step)
            out.write(np.where(np.isfinite(low), low, np.float32(NODATA)), block)


def low_heights(heights_m: np.ndarray, step: int) -> np.ndarray:
    """Return a low height of each cell of `step` x `step` pixels, float32 metres, NaN where all are missing.

    Args:
        heights_m: HxW float32, NaN where missing; the last cells may be cut.
        step: side of a cell in pixels.
    """
    height, width = heights_m.shape
    whole = np.pad(heights_m, [(0, -height % step), (0, -width % step)], constant_values=np.nan)
    cells = whole.reshape(whole.shape[0] // step, step, whole.shape[1] // step, step).swapaxes(1, 2)
    ordered = np.sort(cells.reshape(*cells.shape[:2], -1), axis=-1)  # missing pixels come last
    count = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    place = (LOW * np.maximum(count - 1, 0)).astype(np.int64)
    return np.take_along_axis(ordered, place, axis=-1)[..., 0]


def _write_ground(cells: Path, coarse: Grid, settings: GroundFilter, path: Path) -> None:
    """Write the terrain in cells: the heights of ground cells, interpolated between them."""
    reach = 2 * math.ceil(settings.window_m / coarse.gsd_m)
    with open_raster(cells) as raster, create_scratch(path, coarse, [height_band("dem")], "float32", NODATA) as out:
        for block in blocks(Window(0, 0, coarse.width, coarse.height), BLOCK_CELLS):
            window, inside = coarse.around(block, 2 * reach)
            low = read_heights(raster, window)
            ground = ground_cells(low, coarse.gsd_m, settings)
            filled = weighted_nearest(np.where(ground, low, 0), ground, reach)[inside]
            out.write(np.where(np.isfinite(filled) & _near(ground, reach)[inside], filled, np.float32(NODATA)), block)


def _near(ground: np.ndarray, reach: int) -> np.ndarray:
    """Return which cells have a ground cell within reach, HxW bool."""
    return ndimage.distance_transform_edt(~ground) <= reach if ground.any() else ground


def _write_terrain(folder: Path, grid: Grid, ground: Path, settings: GroundFilter, tags: Mapping[str, str]) -> None:
    """Write the terrain on the grid of the scene where there is a surface, and mark what rises from it."""
    heights, marks = folder / ".dtm.tif", folder / ".marks.tif"
    with (
        open_raster(folder / "dsm.tif") as dsm,
        open_raster(ground) as cells,
        warped(cells, grid, Resampling.bilinear, add_alpha=False) as terrain,
        create_scratch(heights, grid, [height_band("dtm")], "float32", NODATA) as out,
        create_scratch(marks, grid, [Band(MARK_OF["dtm"])], "uint8", MISSING) as marked,
    ):
        for block in grid.blocks():
            surface, below = read_heights(dsm, block), read_heights(terrain, block)
            valid = np.isfinite(surface) & np.isfinite(below)
            out.write(np.where(valid, below, np.float32(NODATA)), block)
            rises = surface - below > settings.step_m
            marked.write(np.where(valid, rises, MISSING).astype(np.uint8), block)
    set_tags(heights, tags)
    copy_to_cog(heights, folder / "dtm.tif")
    copy_to_cog(marks, folder / f"{MARK_OF['dtm']}.tif", categorical=True)
    heights.unlink()
    marks.unlink()

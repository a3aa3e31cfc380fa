"""The initial surface model of a scene: its holes are filled, and what was filled is marked."""

from pathlib import Path

import numpy as np
from rasterio.windows import Window

from img2height.rasters import NODATA, Band, Grid, copy_to_cog, create_scratch, height_band, open_raster, read_heights
from img2height.scenes.holes import REACH_PX, fill_holes
from img2height.scenes.warp import UNKNOWN, blocks


def fill_initial(folder: Path, grid: Grid) -> None:
    """Replace dsm_initial.tif by its filled version and write dsm_filled.tif: 1 filled, 0 matched, 255 still unknown.

    Args:
        folder: the scene that is being made.
        grid: its grid.
    """
    surface, heights, marks = folder / "dsm_initial.tif", folder / ".heights.tif", folder / ".marks.tif"
    with (
        open_raster(surface) as raw,
        create_scratch(heights, grid, [height_band("dsm")], "float32", NODATA) as filled,
        create_scratch(marks, grid, [Band("dsm_filled")], "uint8", UNKNOWN) as marked,
    ):
        for block in blocks(grid):
            window, inside = _with_margin(block, grid)
            holed = read_heights(raw, window)
            whole = fill_holes(holed)[inside]
            known = np.isfinite(whole)
            filled.write(np.where(known, whole, np.float32(NODATA)), block)
            marked.write(np.where(known, ~np.isfinite(holed[inside]), UNKNOWN).astype(np.uint8), block)
    copy_to_cog(heights, surface)
    copy_to_cog(marks, folder / "dsm_filled.tif", categorical=True)
    heights.unlink()
    marks.unlink()


def _with_margin(block: Window, grid: Grid) -> tuple[Window, tuple[slice, slice]]:
    """Return the window to read so that a block is filled as in one piece, and the block inside it."""
    top, left = max(block.row_off - REACH_PX, 0), max(block.col_off - REACH_PX, 0)
    bottom = min(block.row_off + block.height + REACH_PX, grid.height)
    right = min(block.col_off + block.width + REACH_PX, grid.width)
    row, column = block.row_off - top, block.col_off - left
    return Window(left, top, right - left, bottom - top), np.s_[row : row + block.height, column : column + block.width]

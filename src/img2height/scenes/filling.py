"""Fills the holes of height layers of a scene and marks the filled pixels."""

from pathlib import Path

import numpy as np

from img2height.io.grid import Grid
from img2height.io.rasters import Band, copy_to_cog, create_scratch, height_band, open_raster, read_heights
from img2height.scenes.holes import REACH_PX, fill_holes
from img2height.vocabulary.layers import INITIAL, LAYERS, MISSING, NODATA

MARK_OF = {INITIAL: "dsm_filled", "dtm": "dtm_filled"}


def fill_layer(folder: Path, grid: Grid, name: str) -> int:
    """Fill the holes of a height layer and return how many pixels were filled.

    Also writes the mark of the layer: 1 filled, 0 delivered, 255 still missing.

    Args:
        folder: contains the layer.
        grid: its grid.
        name: a key of `MARK_OF`.
    """
    count = 0
    layer, mark = folder / f"{name}.tif", folder / f"{MARK_OF[name]}.tif"
    heights, marks = folder / ".heights.tif", folder / ".marks.tif"
    with (
        open_raster(layer) as raw,
        create_scratch(heights, grid, [height_band(LAYERS[name].holds)], "float32", NODATA) as filled,
        create_scratch(marks, grid, [Band(mark.stem)], "uint8", MISSING) as marked,
    ):
        for block in grid.blocks():
            window, inside = grid.around(block, REACH_PX)
            holed = read_heights(raw, window)
            whole = fill_holes(holed, walls=name != "dtm")[inside]
            valid = np.isfinite(whole)
            added = valid & ~np.isfinite(holed[inside])
            count += int(added.sum())
            filled.write(np.where(valid, whole, np.float32(NODATA)), block)
            marked.write(np.where(valid, added, MISSING).astype(np.uint8), block)
    copy_to_cog(heights, layer)
    copy_to_cog(marks, mark, categorical=True)
    heights.unlink()
    marks.unlink()
    return count


def missing_below(folder: Path, grid: Grid) -> int:
    """Return how many pixels have a surface but no terrain.

    Args:
        folder: contains dsm.tif and dtm.tif.
        grid: their grid.
    """
    with open_raster(folder / "dsm.tif") as surface, open_raster(folder / "dtm.tif") as terrain:
        return sum(
            int((np.isfinite(read_heights(surface, block)) & np.isnan(read_heights(terrain, block))).sum())
            for block in grid.blocks()
        )

"""The initial surface model of a scene: fills its holes and marks filled pixels."""

from pathlib import Path

import numpy as np

from img2height.io.grid import Grid
from img2height.io.rasters import Band, copy_to_cog, create_scratch, height_band, open_raster, read_heights
from img2height.scenes.holes import REACH_PX, fill_holes
from img2height.scenes.sources import check_raster
from img2height.scenes.warp import bring_to_grid
from img2height.settings.dataset import Layer
from img2height.vocabulary.layers import MISSING, NODATA


def bring_initial(path: Path, folder: Path) -> tuple[Path, int]:
    """Return a delivered surface model in metres with its holes filled, on its own grid, and the number filled.

    Args:
        path: heights in the unit stated in the file, else in metres.
        folder: where dsm_initial.tif and dsm_filled.tif are written.

    Raises:
        DataError: the file cannot be read, or contains no heights.
    """
    with open_raster(path) as raster:
        grid, unit = Grid.of(raster), None if raster.units[0] else "metre"
    surface = folder / "dsm_initial.tif"
    bring_to_grid(check_raster("dsm_initial", Layer(path=path.name, unit=unit), path.parent), grid, surface)
    return surface, fill_initial(folder, grid)


def fill_initial(folder: Path, grid: Grid) -> int:
    """Fill the missing pixels of dsm_initial.tif and return how many were filled.

    Also writes dsm_filled.tif: 1 filled, 0 matched, 255 still missing.

    Args:
        folder: contains the surface model.
        grid: its grid.
    """
    count = 0
    surface, heights, marks = folder / "dsm_initial.tif", folder / ".heights.tif", folder / ".marks.tif"
    with (
        open_raster(surface) as raw,
        create_scratch(heights, grid, [height_band("dsm")], "float32", NODATA) as filled,
        create_scratch(marks, grid, [Band("dsm_filled")], "uint8", MISSING) as marked,
    ):
        for block in grid.blocks():
            window, inside = grid.around(block, REACH_PX)
            holed = read_heights(raw, window)
            whole = fill_holes(holed)[inside]
            known = np.isfinite(whole)
            added = known & ~np.isfinite(holed[inside])
            count += int(added.sum())
            filled.write(np.where(known, whole, np.float32(NODATA)), block)
            marked.write(np.where(known, added, MISSING).astype(np.uint8), block)
    copy_to_cog(heights, surface)
    copy_to_cog(marks, folder / "dsm_filled.tif", categorical=True)
    heights.unlink()
    marks.unlink()
    return count

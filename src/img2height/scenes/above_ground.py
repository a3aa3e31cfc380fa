"""Heights above ground of a scene, from its surface model and its terrain model."""

import logging
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.rasters import copy_to_cog, create_scratch, height_band, open_raster, read_heights
from img2height.vocabulary.layers import NODATA

logger = logging.getLogger(__name__)

LEVEL_QUANTILE = 0.05  # at least this share of a scene shows the ground; less only under closed forest
FARTHEST_M = 10.0  # in most of the world, geoid and ellipsoid are further apart
SAMPLE_PX = 1_000_000


def subtract_terrain(folder: Path, grid: Grid, *, any_level: bool) -> None:
    """Write ndsm = max(dsm - dtm, 0), missing where either is missing.

    Args:
        folder: contains dsm.tif and dtm.tif on one grid.
        grid: that grid.
        any_level: accept a difference whose ground is far from 0 m.

    Raises:
        DataError: the two have no valid pixel in common, or the ground of their difference is not near 0 m.
    """
    scratch = folder / ".ndsm.tif"
    with open_raster(folder / "dsm.tif") as surface, open_raster(folder / "dtm.tif") as terrain:
        level_m = ground_level_m(surface, terrain, grid)
        if level_m is None:
            raise DataError(
                "dsm and dtm have no valid pixel in common, so there is no height above ground; check extents"
            )
        logger.info("the lowest %d %% of dsm - dtm are below %.2f m", 100 * LEVEL_QUANTILE, level_m)
        if abs(level_m) > FARTHEST_M and not any_level:
            raise DataError(
                f"the ground of dsm - dtm lies at {level_m:+.1f} m (its lowest {LEVEL_QUANTILE:.0%}): the two refer to "
                "different vertical systems, e.g. ellipsoid and geoid, or units, or 0 means missing. If the ground is "
                "covered everywhere, set allow: [ground_level] for the scene in the dataset file"
            )
        with create_scratch(scratch, grid, [height_band("ndsm")], "float32", NODATA) as out:
            for block in grid.blocks():
                above = np.maximum(read_heights(surface, block) - read_heights(terrain, block), 0)
                out.write(np.where(np.isfinite(above), above, np.float32(NODATA)), block)
    copy_to_cog(scratch, folder / "ndsm.tif")
    scratch.unlink()


def ground_level_m(surface: DatasetReader, terrain: DatasetReader, grid: Grid) -> float | None:
    """Return the low quantile of a surface model above its terrain in metres; None if no pixel has both.

    Args:
        surface: open surface model.
        terrain: open terrain model on the same grid.
        grid: that grid; of a large one every n-th row and column counts.
    """
    step = max(1, round((grid.width * grid.height / SAMPLE_PX) ** 0.5))
    found = []
    for block in grid.blocks():
        above = (read_heights(surface, block) - read_heights(terrain, block))[::step, ::step]
        found.append(above[np.isfinite(above)])
    above = np.concatenate(found)
    return float(np.quantile(above, LEVEL_QUANTILE)) if above.size else None

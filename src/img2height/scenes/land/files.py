"""Writes a landscape to disk in the form in which a provider would deliver it."""

from pathlib import Path

import numpy as np

from img2height.io.rasters import Band, height_band, write_cog
from img2height.scenes.land import Land
from img2height.scenes.land.optical import BANDS
from img2height.scenes.synthetic import synthetic_grid
from img2height.vocabulary.layers import NODATA


def write_land(land: Land, ms: np.ndarray, folder: Path) -> None:
    """Write a landscape as ms, dtm, water and forest to a folder.

    Args:
        land: the truth.
        ms: ten bands of reflectance x 10000, 10xHxW uint16; 0 would be nodata.
        folder: created if it does not exist.
    """
    folder = Path(folder)
    grid = synthetic_grid(land.settings)
    write_cog(folder / "ms.tif", ms, grid, [Band(name) for name in BANDS], nodata=0)
    write_cog(folder / "dtm.tif", land.dtm, grid, [height_band("dtm")], nodata=NODATA)
    for name in ("water", "forest"):
        write_cog(folder / f"{name}.tif", getattr(land, name).astype(np.uint8), grid, [Band(name)], categorical=True)

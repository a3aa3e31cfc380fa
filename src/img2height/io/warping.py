"""Rasters on another grid, by GDAL's warp with the transformation chosen by `io/projections.py`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from img2height.io.grid import Grid
from img2height.io.projections import operation
from img2height.io.rasters import open_raster
from img2height.io.values import horizontal

EXACT_PX = 1e-3  # largest error in the position of a pixel, in source pixels
# GDAL widens its bilinear kernel by the ratio of the boxes around source and target, which for a rotated raster depends
# on the window that is read. It must not be widened: coarser grids take averages.
UNWIDENED = {"XSCALE": 1, "YSCALE": 1}


@contextlib.contextmanager
def warped(dataset: DatasetReader, grid: Grid, resampling: Resampling, *, add_alpha: bool) -> Iterator[DatasetReader]:
    """Yield a raster on another grid, computed when it is read.

    Args:
        dataset: an open file; if its horizontal CRS differs from the grid's, a file with the suffix .vrt is written
            next to it.
        grid: the wanted grid.
        resampling: bilinear only if the grid is not much coarser.
        add_alpha: whether to add a band that marks the valid pixels.
    """
    kernel = UNWIDENED if resampling == Resampling.bilinear else {}
    same = horizontal(dataset.crs) == grid.crs  # heights are not transformed
    with WarpedVRT(
        dataset, src_crs=grid.crs if same else None, crs=grid.crs, transform=grid.transform, width=grid.width,
        height=grid.height, resampling=resampling, tolerance=EXACT_PX, add_alpha=add_alpha, **kernel,
    ) as chosen_by_gdal:  # fmt: skip
        if same:
            yield chosen_by_gdal
            return
        path = Path(dataset.name).with_suffix(".vrt")
        rasterio.shutil.copy(chosen_by_gdal, path, driver="VRT")
    _set_operation(path, operation(dataset.crs, grid.crs, grid.place).definition)
    with open_raster(path) as raster:
        yield raster


def _set_operation(path: Path, definition: str) -> None:
    """Write an operation into a warped VRT: rasterio has no argument for it."""
    tree = ElementTree.parse(path)
    transformer = tree.find(".//ReprojectionTransformer")
    if transformer is None:
        raise RuntimeError(f"{path}: GDAL wrote no ReprojectionTransformer; its format of warped VRTs has changed")
    if (options := transformer.find("Options")) is not None:
        transformer.remove(options)
    option = ElementTree.SubElement(ElementTree.SubElement(transformer, "Options"), "Option")
    option.set("key", "COORDINATE_OPERATION")
    option.text = definition
    tree.write(path, encoding="utf-8")

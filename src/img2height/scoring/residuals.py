"""Maps of errors before and after a refinement of the initial surface model."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError
from img2height.io.areas import area_mask
from img2height.io.grid import Grid
from img2height.io.rasters import height_band, open_raster, read_heights, write_heights
from img2height.scenes.scene import Scene
from img2height.vocabulary.quantities import SURFACE


def write_residuals(before: Path, after: Path, scene: Scene, area: BaseGeometry, out: Path) -> None:
    """Write a COG of two bands, `before` and `after`: surface minus reference, float32 metres, nodata -9999.

    Args:
        before: the initial surface model in metres.
        after: the refined surface model in metres.
        scene: with the reference, which is its layer dsm, else ndsm + dtm.
        area: polygon in pixel coordinates; outside is nodata.
        out: the COG.

    Raises:
        DataError: the scene has no reference surface, or a raster has another quantity or grid.
    """
    with ExitStack() as stack:
        surfaces = [stack.enter_context(open_raster(path)) for path in (before, after)]
        names = _reference_layers(scene)
        reference = {name: stack.enter_context(open_raster(scene.path(name))) for name in names}
        for surface in surfaces:
            _require_surface(surface, scene.grid)

        def residuals(block: Window) -> np.ndarray:
            inside = area_mask(area, block)
            truth = _read_reference(reference, block)
            errors = np.stack([read_heights(surface, block) - truth for surface in surfaces])  # 2 x H x W
            return np.where(inside, errors, np.float32(np.nan))

        write_heights(out, scene.grid, [height_band("before"), height_band("after")], residuals)


def _reference_layers(scene: Scene) -> list[str]:
    if "dsm" in scene.layers:
        return ["dsm"]
    if {"ndsm", "dtm"} <= scene.layers.keys():
        return ["ndsm", "dtm"]
    raise DataError(
        f"scene {scene.dataset}/{scene.name}: has no reference surface to compute errors from; it needs the layer dsm, "
        f"or ndsm and dtm, and has {', '.join(scene.layers)}"
    )


def _require_surface(heights: DatasetReader, grid: Grid) -> None:
    if (quantity := heights.descriptions[0]) != SURFACE:
        raise DataError(
            f"{heights.name}: contains {quantity}, but residuals need surface heights ({SURFACE}); pass a surface model"
        )
    Grid.of(heights).require(grid, heights.name, "the scene")


def _read_reference(layers: Mapping[str, DatasetReader], block: Window) -> np.ndarray:
    """Return the sum of the reference layers, HxW float32 metres, NaN where one is missing."""
    return np.sum([read_heights(layer, block) for layer in layers.values()], axis=0)

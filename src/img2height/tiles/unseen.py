"""Finds test pixels without an image before anything is trained, rather than when scores miss a prediction."""

from collections.abc import Iterable

import geopandas
import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError
from img2height.io.areas import area_mask
from img2height.io.pixels import read_pixels
from img2height.io.rasters import open_raster
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_of

REFERENCES = ("ndsm", "dsm", "dtm")  # the first that a scene has is used


def unseen_pixels(
    scenes: Iterable[Scene], areas: geopandas.GeoDataFrame, layers: Iterable[str]
) -> dict[str, dict[str, int]]:
    """Return by scene and layer how many test pixels have a reference but no image; empty if there are none.

    Args:
        scenes: the scenes; those without a test area are skipped.
        areas: the areas of the parts, see `split_folds`.
        layers: the input layers of the methods.
    """
    counts: dict[str, dict[str, int]] = {}
    for scene in scenes:
        area = area_of(areas, "test", scene.dataset, scene.name)
        reference = next((name for name in REFERENCES if name in scene.layers), None)
        if reference is None:
            continue
        for layer in layers:
            if layer in scene.layers and (count := _count(scene, reference, layer, area)):
                counts.setdefault(f"{scene.dataset}/{scene.name}", {})[layer] = count
    return counts


def refuse_unseen(counts: dict[str, dict[str, int]]) -> None:
    """Raise a DataError if test pixels have no image; `counts` as from `unseen_pixels`."""
    if not counts:
        return
    found = "; ".join(f"{layer} of {scene}: {n}" for scene, layers in counts.items() for layer, n in layers.items())
    raise DataError(
        f"test pixels have a reference but no image, so that nothing can be predicted there: {found}. Cut the "
        "reference where the image has no data, give the scene another role, or set metrics.allow_missing: true; "
        "scores then leave these pixels out and report their number"
    )


def _count(scene: Scene, reference: str, layer: str, area: BaseGeometry) -> int:
    with open_raster(scene.path(reference)) as heights, open_raster(scene.path(layer)) as image:
        return sum(
            int((area_mask(area, block) & _known(heights, block) & ~_known(image, block)).sum())
            for block in scene.grid.blocks()
        )


def _known(raster: DatasetReader, window: Window) -> np.ndarray:
    return read_pixels(raster, raster.indexes, window).valid

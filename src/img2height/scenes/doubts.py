"""Measures of prepared layers that give reason to doubt them: steps of heights, saturation, flat buildings."""

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
from rasterio.io import DatasetReader

from img2height.io.grid import Grid
from img2height.io.pixels import read_pixels
from img2height.vocabulary.layers import HEIGHTS, PRESENT

STEPS, COARSE_M = 1000, 0.25  # heights in more different values, or finer steps, are not doubted
LOW_M, FLAT_M = -1.0, 1.0  # heights below the terrain, and of what is no building


class Doubts(TypedDict):
    """What was measured, see `find_doubts`."""

    steps_m: dict[str, float]
    saturated_share: dict[str, float]
    constant_bands: list[str]
    below_terrain_share: float | None
    flat_building_share: float | None


def find_doubts(sample: Mapping[str, np.ndarray], images: Mapping[str, DatasetReader], grid: Grid, step: int) -> Doubts:
    """Return measures of a scene; what cannot be measured is null.

    `steps_m`: by height layer with few different values, the usual difference between neighbouring ones;
    `saturated_share`: by band of integers, the share of the largest value of the type; `constant_bands`: bands with one
    value; `below_terrain_share`: pixels of the dsm more than 1 m below the dtm; `flat_building_share`: pixels of the
    building mask that are less than 1 m above ground.

    Args:
        sample: the same pixels of all layers, N float32 metres each, NaN where missing.
        images: rasters of images by layer.
        grid: of the scene.
        step: every so many rows and columns of an image are read.
    """
    bands = {
        f"{name} {raster.descriptions[index - 1]}": _band(raster, index, grid, step)
        for name, raster in images.items()
        for index in raster.indexes
    }
    return {
        "steps_m": {name: found for name in HEIGHTS if name in sample and (found := _step(sample[name]))},
        "saturated_share": {
            name: float((values == np.iinfo(values.dtype).max).mean())
            for name, values in bands.items()
            if values.size and values.dtype.kind == "u"
        },
        "constant_bands": [name for name, values in bands.items() if values.size and values.min() == values.max()],
        "below_terrain_share": _below_terrain(sample),
        "flat_building_share": _flat_buildings(sample),
    }


def _band(raster: DatasetReader, index: int, grid: Grid, step: int) -> np.ndarray:
    """Return valid values of a band as stored, of every n-th row and column."""
    found = []
    for block in grid.blocks():
        values, valid = read_pixels(raster, [index], block)
        found.append(values[0, ::step, ::step][valid[::step, ::step]])
    return np.concatenate(found)


def _step(heights_m: np.ndarray) -> float | None:
    """Return the usual difference between neighbouring values, None if there are many or it is small."""
    values = np.unique(heights_m[np.isfinite(heights_m)])
    if not 2 < len(values) <= STEPS:
        return None
    step = float(np.median(np.diff(values)))
    return step if step >= COARSE_M else None


def _below_terrain(sample: Mapping[str, np.ndarray]) -> float | None:
    if not sample.keys() >= {"dsm", "dtm"}:
        return None
    above = sample["dsm"] - sample["dtm"]
    above = above[np.isfinite(above)]
    return float((above < LOW_M).mean()) if above.size else None


def _flat_buildings(sample: Mapping[str, np.ndarray]) -> float | None:
    if not sample.keys() >= {"ndsm", "building"}:
        return None
    heights = sample["ndsm"][(sample["building"] == PRESENT) & np.isfinite(sample["ndsm"])]
    return float((heights < FLAT_M).mean()) if heights.size else None

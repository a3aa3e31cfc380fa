"""The ground that errors are told apart by: buildings, terrain, water, forest, and what stereo matched or filled."""

from collections.abc import Mapping

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import binary_dilation

from img2height.metrics.statistics import UNKNOWN

DILATION_PX = 2
MASKS = ("building", "water", "forest", "dsm_filled")
STRATA = (
    "all",
    "buildings",
    "buildings_dilated",
    "terrain",
    "terrain_no_water",
    "terrain_no_water_forest",
    "water",
    "forest",
    "filled",
    "matched",
)


def read_mask(layers: Mapping[str, DatasetReader], name: str, window: Window) -> np.ndarray:
    """Return a mask layer, HxW uint8 (1, 0, 255 unknown); unknown everywhere where the scene lacks it."""
    if name not in layers:
        return np.full((window.height, window.width), UNKNOWN, dtype=np.uint8)
    return layers[name].read(1, window=window)


def read_strata(layers: Mapping[str, DatasetReader], window: Window) -> dict[str, np.ndarray]:
    """Return by name of `STRATA` which pixels belong, HxW bool; none where the scene lacks a layer that it takes.

    The strata are those of ResDepth (https://arxiv.org/abs/2106.08107): terrain is what lies more than two pixels from
    buildings, with four neighbours, so that displaced walls do not count as terrain. `water` and `forest` are where
    these masks say so; `filled` are the interpolated holes of the initial surface model, `matched` is the rest of it.
    What a mask does not know belongs to no stratum that takes it.

    Args:
        layers: open rasters on one grid: `building`, `water`, `forest`, `dsm_filled` (1, 0, 255 unknown), if they are
            there.
        window: part of the grid.
    """
    building, water, forest, filled = (read_mask(layers, name, window) for name in MASKS)
    near = _near_buildings(layers, window)
    terrain = ~near & (building != UNKNOWN)
    dry = terrain & (water == 0)
    return {
        "all": np.ones_like(near),
        "buildings": building == 1,
        "buildings_dilated": near,
        "terrain": terrain,
        "terrain_no_water": dry,
        "terrain_no_water_forest": dry & (forest == 0),
        "water": water == 1,
        "forest": forest == 1,
        "filled": filled == 1,
        "matched": filled == 0,
    }


def _near_buildings(layers: Mapping[str, DatasetReader], window: Window) -> np.ndarray:
    """Return a window of the dilated building mask, HxW bool, as if the mask had been dilated in one piece."""
    if "building" not in layers:
        return np.zeros((window.height, window.width), bool)
    mask, reach = layers["building"], DILATION_PX
    left, top = max(window.col_off - reach, 0), max(window.row_off - reach, 0)
    right = min(window.col_off + window.width + reach, mask.width)
    bottom = min(window.row_off + window.height + reach, mask.height)
    wide = mask.read(1, window=Window(left, top, right - left, bottom - top)) == 1
    row, column = window.row_off - top, window.col_off - left
    near = binary_dilation(wide, iterations=reach)
    return near[row : row + window.height, column : column + window.width]

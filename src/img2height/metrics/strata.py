"""The ground that errors are told apart by: buildings, terrain, water, forest, holes of the stereo, heights, sizes."""

from collections.abc import Mapping, Sequence

import geopandas
import numpy as np
import shapely
from affine import Affine
from rasterio.features import rasterize
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.metrics.confusion import UNKNOWN
from img2height.rasters import Grid
from img2height.tiles.areas import from_map

REACH_PX = 2
TALL_M = 20.0
MASKS = ("building", "water", "forest", "dsm_filled")
HEIGHTS_M = {  # above the first, up to the second
    "height_0_3": (-np.inf, 3.0),
    "height_3_10": (3.0, 10.0),
    "height_10_20": (10.0, 20.0),
    "height_20_50": (20.0, 50.0),
    "height_50": (50.0, np.inf),
}
SIZES_M2 = {"building_0_100": 0.0, "building_100_500": 100.0, "building_500": 500.0}  # above this
STRATA = {
    "all": "all pixels",
    "buildings": "buildings",
    "buildings_dilated": "buildings and 2 px around",
    "terrain": "terrain",
    "terrain_no_water": "terrain without water",
    "terrain_no_water_forest": "terrain without water and forest",
    "water": "water",
    "forest": "forest",
    "filled": "filled",
    "matched": "matched",
    "height_0_3": "up to 3 m",
    "height_3_10": "3 to 10 m",
    "height_10_20": "10 to 20 m",
    "height_20_50": "20 to 50 m",
    "height_50": "above 50 m",
    "building_0_100": "buildings up to 100 m²",
    "building_100_500": "buildings of 100 to 500 m²",
    "building_500": "buildings above 500 m²",
    "buildings_tall": "buildings above 20 m",
    "edges": "within 2 px of a building outline",
}


class BuildingSizes:
    """The size class of the reference building that a pixel lies in.

    Args:
        buildings: reference buildings in the CRS of the grid, metres.
        grid: the grid of the scene.
    """

    def __init__(self, buildings: geopandas.GeoSeries, grid: Grid):
        area_m2 = buildings.area.to_numpy()
        order = np.argsort(area_m2, kind="stable")  # where two overlap, the larger one is burnt last
        self._shapes = np.array([from_map(shape, grid) for shape in buildings.to_numpy()[order]], dtype=object)
        self._classes = np.searchsorted(list(SIZES_M2.values()), area_m2[order], side="left")
        self._tree = shapely.STRtree(self._shapes)

    def read(self, window: Window) -> np.ndarray:
        """Return the class of each pixel of a window, HxW uint8: 0 none, else 1 + the place in `SIZES_M2`."""
        shape = (int(window.height), int(window.width))
        box = shapely.box(window.col_off, window.row_off, window.col_off + window.width, window.row_off + window.height)
        found = np.sort(self._tree.query(box))
        burnt = [(self._shapes[k], int(self._classes[k])) for k in found]
        if not burnt:
            return np.zeros(shape, np.uint8)
        corner = Affine.translation(window.col_off, window.row_off)
        return rasterize(burnt, shape, transform=corner, dtype="uint8")


def read_mask(layers: Mapping[str, DatasetReader], name: str, window: Window) -> np.ndarray:
    """Return a mask layer, HxW uint8 (1, 0, 255 unknown); unknown everywhere where the scene lacks it."""
    if name not in layers:
        return np.full((window.height, window.width), UNKNOWN, dtype=np.uint8)
    return layers[name].read(1, window=window)


def read_strata(
    layers: Mapping[str, DatasetReader],
    window: Window,
    above_ground_m: np.ndarray | None = None,
    sizes: BuildingSizes | None = None,
) -> dict[str, np.ndarray]:
    """Return by name of `STRATA` which pixels belong, HxW bool; none where the scene lacks what it takes.

    Those of ResDepth come first (https://arxiv.org/abs/2106.08107): terrain is what lies more than two pixels from
    buildings, with four neighbours, so that displaced walls do not count as terrain. `water` and `forest` are where
    these masks say so; `filled` are the interpolated holes of the initial surface model, `matched` is the rest of it.
    What a mask does not know belongs to no stratum that takes it.

    Args:
        layers: open rasters on one grid: `building`, `water`, `forest`, `dsm_filled` (1, 0, 255 unknown), if they are
            there.
        window: part of the grid.
        above_ground_m: HxW reference heights above ground, NaN where unknown; None has no height classes.
        sizes: of the reference buildings; None has no size classes.
    """
    building, near, outside = _read_buildings(layers, window)
    water, forest, filled = (read_mask(layers, name, window) for name in MASKS[1:])
    high = np.full(near.shape, np.nan, np.float32) if above_ground_m is None else above_ground_m
    size = np.zeros(near.shape, np.uint8) if sizes is None else sizes.read(window)
    inside, terrain = building == 1, ~near & (building != UNKNOWN)
    dry = terrain & (water == 0)
    return (
        {
            "all": np.ones_like(near),
            "buildings": inside,
            "buildings_dilated": near,
            "terrain": terrain,
            "terrain_no_water": dry,
            "terrain_no_water_forest": dry & (forest == 0),
            "water": water == 1,
            "forest": forest == 1,
            "filled": filled == 1,
            "matched": filled == 0,
        }
        | {name: (high > low) & (high <= up) for name, (low, up) in HEIGHTS_M.items()}
        | {name: inside & (size == k) for k, name in enumerate(SIZES_M2, start=1)}
        | {"buildings_tall": inside & (high > TALL_M), "edges": near & outside}
    )


def _read_buildings(layers: Mapping[str, DatasetReader], window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a window of the building mask, uint8, and what lies near buildings and near other ground, bool, HxW each.

    Both are as if the mask had been dilated in one piece.
    """
    if "building" not in layers:
        nothing = np.zeros((window.height, window.width), bool)
        return read_mask(layers, "building", window), nothing, nothing
    mask = layers["building"]
    left, top = max(window.col_off - REACH_PX, 0), max(window.row_off - REACH_PX, 0)
    right = min(window.col_off + window.width + REACH_PX, mask.width)
    bottom = min(window.row_off + window.height + REACH_PX, mask.height)
    wide = mask.read(1, window=Window(left, top, right - left, bottom - top))
    row, column = window.row_off - top, window.col_off - left
    here = np.s_[row : row + window.height, column : column + window.width]
    return wide[here], _grow(wide == 1)[here], _grow(wide == 0)[here]


def _grow(mask: np.ndarray) -> np.ndarray:
    """Return the mask, HxW bool, dilated by `REACH_PX` steps to four neighbours."""
    for _ in range(REACH_PX):
        wide = mask.copy()
        for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
            wide[here] |= mask[there]
            wide[there] |= mask[here]
        mask = wide
    return mask


def classify(masks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return classes of pixels that lie under the same masks, and the masks of each class, K x M bool.

    Args:
        masks: M bool arrays of one shape; the classes, uint16, have it too.
    """
    classes, varied = np.zeros(masks[0].shape, np.uint16), [k for k, mask in enumerate(masks) if _varies(mask)]
    members = np.array([[bool(mask.flat[0]) for mask in masks]])
    for start in range(0, len(varied), 8):
        some = varied[start : start + 8]
        plane = np.zeros(masks[0].shape, np.uint8)
        for bit, k in enumerate(some):
            plane |= masks[k].view(np.uint8) << bit
        joint = classes.astype(np.intp) << 8 | plane
        used = np.flatnonzero(np.bincount(joint.ravel()))
        number = np.zeros(used[-1] + 1, np.uint16)
        number[used] = np.arange(len(used))
        classes, members = number.take(joint), members[used >> 8]
        members[:, some] = used[:, None] >> np.arange(len(some)) & 1
    return classes, members


def _varies(mask: np.ndarray) -> bool:
    return bool(mask.any()) and not mask.all()

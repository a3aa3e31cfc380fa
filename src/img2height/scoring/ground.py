"""The kinds of ground of a window, as its layers tell them."""

import math
from collections.abc import Mapping, Sequence

import geopandas
import numpy as np
import shapely
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.io.areas import burn, window_box
from img2height.io.grid import Grid
from img2height.scoring.strata import GROUND, HEIGHTS_M, MASKS, SIZES_M2
from img2height.vocabulary.layers import MISSING

REACH_PX = 2


class BuildingSizes:
    """The size class of the reference building that a pixel lies in.

    Args:
        buildings: reference buildings in the CRS of the grid, metres.
        grid: the grid of the scene.
    """

    def __init__(self, buildings: geopandas.GeoSeries, grid: Grid):
        area_m2 = buildings.area.to_numpy()
        order = np.argsort(area_m2, kind="stable")  # where two overlap, the larger one is burnt last
        self._shapes = np.array([grid.from_map(shape) for shape in buildings.to_numpy()[order]], dtype=object)
        self._classes = np.searchsorted(list(SIZES_M2.values()), area_m2[order], side="left")
        self._tree = shapely.STRtree(self._shapes)

    def read(self, window: Window) -> np.ndarray:
        """Return the class of each pixel of a window, HxW uint8: 0 none, else 1 + the place in `SIZES_M2`."""
        found = np.sort(self._tree.query(window_box(window)))
        return burn([(self._shapes[k], int(self._classes[k])) for k in found], window, "uint8")


def read_mask(layers: Mapping[str, DatasetReader], name: str, window: Window) -> np.ndarray:
    """Return a mask layer, HxW uint8 (1, 0, 255 unknown); unknown everywhere where the scene lacks it."""
    if name not in layers:
        return np.full((window.height, window.width), MISSING, dtype=np.uint8)
    return layers[name].read(1, window=window)


def read_kinds(
    layers: Mapping[str, DatasetReader],
    window: Window,
    nonzero: np.ndarray,
    above_ground_m: np.ndarray | None = None,
    sizes: BuildingSizes | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the kind of ground of each pixel, HxW uint16 (see `strata_of_kinds`), and the building mask, HxW uint8.

    Args:
        layers: open rasters on one grid: `MASKS` (1, 0, 255 unknown), if they are there.
        window: part of the grid.
        nonzero: HxW bool, where the reference is not exactly zero.
        above_ground_m: HxW reference heights above ground, NaN where unknown; None has no height classes.
        sizes: of the reference buildings; None has no size classes.
    """
    building, around = _read_buildings(layers, window)
    ground = {"around": around, "building": np.minimum(building, 2), "nonzero": nonzero}
    for name in MASKS[1:]:  # 255 becomes the third value, which a layer that is not there has everywhere
        ground[name] = np.minimum(layers[name].read(1, window=window), 2) if name in layers else np.uint8(2)
    ground["size"] = np.uint8(0) if sizes is None else sizes.read(window)
    ground["height"] = np.uint8(0) if above_ground_m is None else _height_classes(above_ground_m)
    first, second = (_number([ground[name] for name in group], list(group.values())) for group in GROUND)
    return first.astype(np.uint16) * np.uint16(math.prod(GROUND[1].values())) + second, building


def _height_classes(heights_m: np.ndarray) -> np.ndarray:
    """Return 1 + the place of each height in `HEIGHTS_M`, 0 where it is unknown, HxW uint8."""
    passed = ((heights_m > low).view(np.uint8) for low, _ in HEIGHTS_M.values())
    return sum(passed, np.zeros(heights_m.shape, np.uint8))


def _number(values: Sequence[np.ndarray], possible: Sequence[int]) -> np.ndarray:
    """Return one number for values of a pixel, the last one running fastest, uint8.

    Args:
        values: HxW uint8 or bool each, or one for all pixels.
        possible: how many each may have.
    """
    number = np.zeros(np.broadcast_shapes(*map(np.shape, values)), np.uint8)
    for value, most in zip(values, possible, strict=True):
        number *= np.uint8(most)
        number += value.view(np.uint8)
    return number


def _read_buildings(layers: Mapping[str, DatasetReader], window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return a window of the building mask, HxW uint8, and what lies around: 1 near buildings, 2 near other ground.

    The latter, HxW uint8, is 3 near both, and as if the mask had been dilated in one piece.
    """
    if "building" not in layers:
        unknown = read_mask(layers, "building", window)
        return unknown, np.zeros_like(unknown)
    mask = layers["building"]
    around, here = Grid.of(mask).around(window, REACH_PX)
    wide = mask.read(1, window=around)
    return wide[here], _grow((wide == 1) + (wide == 0) * np.uint8(2))[here]


def _grow(bits: np.ndarray) -> np.ndarray:
    """Return each bit of HxW uint8 dilated by `REACH_PX` steps to four neighbours."""
    for _ in range(REACH_PX):
        wide = bits.copy()
        for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
            wide[here] |= bits[there]
            wide[there] |= bits[here]
        bits = wide
    return bits

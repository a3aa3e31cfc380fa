"""The land-cover kind of each pixel of a window, from the layers of its scene."""

import math
from collections.abc import Mapping, Sequence

import geopandas
import numpy as np
import shapely
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.io.areas import burn, window_box
from img2height.io.grid import Grid
from img2height.scoring.strata import ATTRIBUTES, MASKS
from img2height.vocabulary.classes import HEIGHTS_M, SIZES_M2
from img2height.vocabulary.layers import MISSING

REACH_PX = 2


class BuildingSizes:
    """The size class of the reference building at each pixel.

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
        """Return the class of each pixel of a window, HxW uint8: 0 for none, else 1 + the place in `SIZES_M2`."""
        found = np.sort(self._tree.query(window_box(window)))
        return burn([(self._shapes[k], int(self._classes[k])) for k in found], window, "uint8")


def read_mask(layers: Mapping[str, DatasetReader], name: str, window: Window) -> np.ndarray:
    """Return a mask layer, HxW uint8 (1, 0, 255 nodata); nodata everywhere if the scene does not have it."""
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
    """Return the land-cover kind of each pixel, HxW uint16 (see `strata_of_kinds`), and the building mask, HxW uint8.

    Args:
        layers: open rasters on one grid; any of `MASKS` (1, 0, 255 nodata) may be missing.
        window: part of the grid.
        nonzero: HxW bool, false where the reference is exactly zero.
        above_ground_m: HxW reference heights above ground, NaN where missing; None for no height classes.
        sizes: of the reference buildings; None for no size classes.
    """
    building, around = _read_buildings(layers, window)
    found = {"around": around, "building": np.minimum(building, 2), "nonzero": nonzero}
    for name in MASKS[1:]:  # 255 becomes the third value, which a missing layer has everywhere
        found[name] = np.minimum(layers[name].read(1, window=window), 2) if name in layers else np.uint8(2)
    found["size"] = np.uint8(0) if sizes is None else sizes.read(window)
    found["height"] = np.uint8(0) if above_ground_m is None else _height_classes(above_ground_m)
    first, second = (_number([found[name] for name in group], list(group.values())) for group in ATTRIBUTES)
    return first.astype(np.uint16) * np.uint16(math.prod(ATTRIBUTES[1].values())) + second, building


def _height_classes(heights_m: np.ndarray) -> np.ndarray:
    """Return 1 + the place of each height in `HEIGHTS_M`, 0 where it is missing, HxW uint8."""
    passed = ((heights_m > low).view(np.uint8) for low, _ in HEIGHTS_M.values())
    return sum(passed, np.zeros(heights_m.shape, np.uint8))


def _number(values: Sequence[np.ndarray], possible: Sequence[int]) -> np.ndarray:
    """Return one number per combination of values, uint8; the last value varies fastest.

    Args:
        values: HxW uint8 or bool each, or a scalar.
        possible: number of possible values of each.
    """
    number = np.zeros(np.broadcast_shapes(*map(np.shape, values)), np.uint8)
    for value, most in zip(values, possible, strict=True):
        number *= np.uint8(most)
        number += value.view(np.uint8)
    return number


def _read_buildings(layers: Mapping[str, DatasetReader], window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return a window of the building mask, and its surroundings: 1 near buildings, 2 near other pixels, 3 near both.

    Both are HxW uint8. Surroundings do not depend on the window, because a margin is read too.
    """
    if "building" not in layers:
        nodata = read_mask(layers, "building", window)
        return nodata, np.zeros_like(nodata)
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

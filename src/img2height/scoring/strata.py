"""The strata of scores: buildings, terrain, water, forest, holes of stereo matching, heights and building sizes."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from img2height.vocabulary.classes import HEIGHTS_M, SIZES_M2
from img2height.vocabulary.layers import LAYERS

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
# Strata without the pixels whose reference is exactly zero, as ResDepth's program scores them: see `papers.resdepth`.
NONZERO = {
    f"{name}_nonzero": name
    for name in ("all", "buildings_dilated", "terrain", "terrain_no_water", "terrain_no_water_forest")
}
NAMES = (*STRATA, *NONZERO)
# The attributes that determine the land-cover kind of a pixel, with their numbers of values: masks are 0, 1 or nodata,
# `around` is 1 near buildings, 2 near other pixels and 3 near both, heights and sizes are missing or a class.
# In two groups, so that the number of the combination of values of a group fits in a byte.
ATTRIBUTES = (
    {"around": 4, "building": 3, "water": 3, "forest": 3},
    {"dsm_filled": 3, "height": 1 + len(HEIGHTS_M), "size": 1 + len(SIZES_M2), "nonzero": 2},
)
MASKS = tuple(name for group in ATTRIBUTES for name in group if name in LAYERS)
_NODATA = 2


def strata_of(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return by name of `NAMES` which elements belong to the stratum, bool arrays.

    The first ones follow ResDepth (https://arxiv.org/abs/2106.08107): terrain is more than two pixels from buildings,
    in steps to four neighbours, so that displaced walls do not count as terrain. `water` and `forest` are those masks;
    `filled` are the interpolated holes of the initial surface model, `matched` is the rest of it. Where a mask is
    nodata, a pixel belongs to no stratum that uses this mask.

    Args:
        values: arrays of one shape by name of `ATTRIBUTES`.
    """
    near, outside = values["around"] & 1 == 1, values["around"] & 2 == 2
    height, filled = values["height"], values["dsm_filled"]
    inside, terrain = values["building"] == 1, ~near & (values["building"] != _NODATA)
    dry, tall = terrain & (values["water"] == 0), 1 + list(HEIGHTS_M).index("height_20_50")
    strata = (
        {
            "all": np.ones_like(near),
            "buildings": inside,
            "buildings_dilated": near,
            "terrain": terrain,
            "terrain_no_water": dry,
            "terrain_no_water_forest": dry & (values["forest"] == 0),
            "water": values["water"] == 1,
            "forest": values["forest"] == 1,
            "filled": filled == 1,
            "matched": filled == 0,
        }
        | {name: height == k for k, name in enumerate(HEIGHTS_M, start=1)}
        | {name: inside & (values["size"] == k) for k, name in enumerate(SIZES_M2, start=1)}
        | {"buildings_tall": inside & (height >= tall), "edges": near & outside}
    )
    return strata | {name: strata[whole] & (values["nonzero"] == 1) for name, whole in NONZERO.items()}


@cache
def strata_of_kinds() -> np.ndarray:
    """Return the strata of each land-cover kind, uint32: bit k is set if it belongs to stratum k of `NAMES`.

    Kinds are numbered by the values of `ATTRIBUTES`; the last one varies fastest.
    """
    counts = ATTRIBUTES[0] | ATTRIBUTES[1]
    values = np.indices(list(counts.values())).reshape(len(counts), -1)
    strata = strata_of(dict(zip(counts, values, strict=True)))
    bits = (strata[name].astype(np.uint32) << k for k, name in enumerate(NAMES))
    return sum(bits, np.zeros(values.shape[1], np.uint32))

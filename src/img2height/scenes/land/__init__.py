"""The synthetic landscape: hills with exact elevation, for multispectral methods that map terrain.

Terrain and cover are generated here; its sibling `optical` renders the image from the `Land` alone.
"""

from dataclasses import dataclass

import numpy as np

from img2height.scenes.land.cover import FOREST, grow_cover
from img2height.scenes.land.terrain import make_terrain
from img2height.settings.land import LandSettings


@dataclass(frozen=True)
class Land:
    """Exact truth of a landscape, all rasters HxW with north up.

    Attributes:
        settings: the settings that it was generated from.
        dtm: elevation above the vertical datum, the water level on water, float32 metres.
        water: rivers and reservoirs, bool.
        forest: broadleaf and conifer woods, bool.
        cover: values of `land_cover.Cover`, uint8.
        parcel: number of the parcel of land, int32.
    """

    settings: LandSettings
    dtm: np.ndarray
    water: np.ndarray
    forest: np.ndarray
    cover: np.ndarray
    parcel: np.ndarray


def generate(settings: LandSettings) -> Land:
    """Return a landscape: terrain, rivers, fields, woods and villages; the same settings give the same landscape."""
    terrain = make_terrain(settings, np.random.default_rng([settings.seed, 0]))
    cover, parcel = grow_cover(settings, terrain, np.random.default_rng([settings.seed, 1]))
    return Land(settings, terrain.dtm, terrain.water, np.isin(cover, FOREST), cover, parcel)

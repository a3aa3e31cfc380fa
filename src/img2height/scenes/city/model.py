"""The data of a synthetic city: materials, buildings, and rasters of exact truth. All renderers start from here."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from shapely import Polygon

from img2height.errors import SettingsError
from img2height.settings.city import CitySettings, SarSettings, StereoSettings


class Material(IntEnum):
    """Surface classes of the material raster."""

    GRASS = 0
    SOIL = 1
    ASPHALT = 2
    CONCRETE = 3
    BRICK = 4
    GRAVEL = 5
    WATER = 6
    CROWN = 7
    TILE_RED = 8
    TILE_BROWN = 9
    SLATE = 10
    BITUMEN = 11
    METAL = 12
    MEMBRANE = 13
    CAR = 14
    PAINT = 15
    TURF = 16


ROOF_MATERIALS = (
    Material.TILE_RED, Material.TILE_BROWN, Material.SLATE, Material.BITUMEN, Material.METAL, Material.MEMBRANE,
)  # fmt: skip


@dataclass(frozen=True)
class Building:
    """One building of the truth.

    Attributes:
        building_id: its value in `City.building_id`, from 1.
        polygon: footprint in map coordinates, clipped at the border of the district.
        height_m: highest point of the roof above ground.
        eaves_m: lowest point of the roof above ground.
        ground_m: height of its level ground above the vertical datum.
        roof: flat, gabled, hipped, shed, l_shaped, stepped or courtyard.
    """

    building_id: int
    polygon: Polygon
    height_m: float
    eaves_m: float
    ground_m: float
    roof: str


@dataclass(frozen=True)
class City:
    """Exact truth of a district, all rasters HxW with north up.

    Attributes:
        settings: the settings that it was generated from.
        dsm: surface above the vertical datum, float32 metres.
        dtm: bare ground above the vertical datum, float32 metres; the water level on water.
        ndsm: dsm - dtm, float32 metres.
        building: 1 inside footprints, uint8.
        building_id: number of the building, 0 outside, int32.
        material: value of `Material` of the topmost surface, uint8.
        instance: number of the object (building, lawn, crown, car) that the surface belongs to, int32.
        water: river or pond, bool.
        forest: closed canopy of the forest stands, bool.
        buildings: footprints with heights, by building_id.
    """

    settings: CitySettings
    dsm: np.ndarray
    dtm: np.ndarray
    ndsm: np.ndarray
    building: np.ndarray
    building_id: np.ndarray
    material: np.ndarray
    instance: np.ndarray
    water: np.ndarray
    forest: np.ndarray
    buildings: list[Building]

    @property
    def radar(self) -> SarSettings:
        """The radar that sees the district; an error if its settings have none."""
        if self.settings.sar is None:
            raise SettingsError("the settings of the city have no radar; add the section `sar`")
        return self.settings.sar

    @property
    def stereo(self) -> StereoSettings:
        """The stereo views of the district; an error if its settings have none."""
        if self.settings.stereo is None:
            raise SettingsError("the settings of the city have no views; add the section `stereo`")
        return self.settings.stereo

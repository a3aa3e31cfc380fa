"""Rasters of a city under construction: polygons, roofs, crowns and cars are drawn on them in turn."""

from collections.abc import Iterable

import numpy as np
import shapely
from shapely import Polygon
from skimage import draw

from img2height.scenes.city.buildings import Design
from img2height.scenes.city.model import Material

Pixels = tuple[np.ndarray, np.ndarray]


class Canvas:
    """The rasters, all HxW.

    Attributes:
        gsd_m: pixel size in metres.
        ground: height above the vertical datum, float32 metres.
        pad: ground level of the building at a pixel, NaN outside, float32 metres.
        height: surface above ground, float32 metres.
        material: uint8.
        instance: number of the object, int32; `building` likewise, but for buildings only.
    """

    def __init__(self, ground: np.ndarray, gsd_m: float) -> None:
        self.gsd_m = gsd_m
        self.ground = ground
        self.pad: np.ndarray = np.full(ground.shape, np.nan, np.float32)
        self.height: np.ndarray = np.zeros(ground.shape, np.float32)
        self.material: np.ndarray = np.full(ground.shape, Material.GRASS, np.uint8)
        self.instance: np.ndarray = np.zeros(ground.shape, np.int32)
        self.building: np.ndarray = np.zeros(ground.shape, np.int32)
        self._last = 0

    def next_instance(self) -> int:
        """Return a number that is not yet used by an object."""
        self._last += 1
        return self._last

    def pixels(self, polygon: Polygon) -> Pixels:
        """Return rows and columns of the pixels whose centres lie in a polygon in metres."""
        rows, cols = self._ring(polygon.exterior)
        if not polygon.interiors:
            return rows, cols
        inside = np.ones(rows.shape, bool)
        for ring in polygon.interiors:
            hole = np.ravel_multi_index(self._ring(ring), self.height.shape)
            inside &= ~np.isin(np.ravel_multi_index((rows, cols), self.height.shape), hole)
        return rows[inside], cols[inside]

    def _ring(self, ring: shapely.LinearRing) -> Pixels:
        x, y = np.asarray(ring.coords).T[:2] / self.gsd_m - 0.5
        return draw.polygon(y, x, self.height.shape)

    def centres(self, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of pixel centres in metres."""
        rows, cols = pixels
        return (cols + 0.5) * self.gsd_m, (rows + 0.5) * self.gsd_m

    def paint(self, shapes: Iterable[Polygon], material: Material) -> None:
        """Cover the ground inside polygons with a material; together they form one object."""
        number = self.next_instance()
        for polygon in shapes:
            pixels = self.pixels(polygon)
            self.material[pixels] = material
            self.instance[pixels] = number

    def raise_building(self, design: Design, material: Material) -> tuple[int, float]:
        """Draw a building where there is none yet; return its number (0 if outside) and its ground level."""
        rows, cols = self.pixels(design.footprint)
        free = self.building[rows, cols] == 0
        rows, cols = rows[free], cols[free]
        if rows.size * self.gsd_m**2 < 4:
            return 0, 0.0
        number = self.next_instance()
        level = float(np.float32(self.ground[rows, cols].mean()))
        self.building[rows, cols] = self.instance[rows, cols] = number
        self.material[rows, cols] = material
        self.pad[rows, cols] = level
        self.height[rows, cols] = 0
        for part in design.parts:
            spots = self.pixels(part.polygon)
            own = self.building[spots] == number
            spots = spots[0][own], spots[1][own]
            self.height[spots] = np.maximum(self.height[spots], part.heights(*self.centres(spots)))
        return number, level

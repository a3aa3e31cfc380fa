"""The frame of the map: the pixels of a scene as tiles of a plane.

The map library shows the world in Web Mercator. Warping heights to it would move them by up to half a pixel, so a scene
is placed as it is, from 0° east and 0° north on to the south-east: near the equator the projection has one scale. A
pixel of the scene is one of zoom `ZOOM`; `scale` converts metres to metres of the map.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.projections import require_projected

TILE = 512
ZOOM = 16
WORLD_M = 2 * math.pi * 6378137.0  # around the equator in Web Mercator
SQUARE = 0.01  # largest relative difference of the sides of a pixel, and largest cosine of the angle between them


@dataclass(frozen=True)
class Frame:
    """The position of a scene on the map.

    Attributes:
        grid: of the scene.
        pixel_m: side of a pixel in metres.
        note: what was assumed, for the reader; empty if nothing.
    """

    grid: Grid
    pixel_m: float
    note: str = ""

    @classmethod
    def of(cls, grid: Grid, name: str) -> Self:
        """Return the frame of a grid.

        Args:
            grid: of a raster; without a coordinate system, or with a local one, its units are taken as metres.
            name: of the raster, for messages.

        Raises:
            DataError: the coordinates are degrees, the pixels are not square, or the raster is mirrored.
        """
        _require_square(grid, name)
        if grid.crs is not None and grid.crs.is_geographic:
            require_projected(grid.crs, grid.bounds, name)
        if grid.crs is not None and grid.crs.is_projected:
            return cls(grid, grid.gsd_m)
        note = "The raster has no map projection: its units are taken as metres, and its columns as pointing south."
        return cls(grid, math.sqrt(abs(grid.transform.determinant)), note)

    @property
    def north_deg(self) -> float:
        """Direction of grid north on the unrotated map, clockwise from the top."""
        return 0.0 - math.degrees(math.atan2(-self.grid.transform.b, -self.grid.transform.e))

    def to_json(self) -> dict[str, Any]:
        """Return what the page needs to place the scene and to convert its coordinates."""
        crs, t = self.grid.crs, self.grid.transform
        return {
            "width": self.grid.width, "height": self.grid.height, "pixel_m": self.pixel_m, "north_deg": self.north_deg,
            "scale": WORLD_M / (TILE * 2**ZOOM) / self.pixel_m, "transform": list(t)[:6],
            "crs": crs.to_string() if crs is not None and crs.to_epsg() else "", "note": self.note,
        }  # fmt: skip


def _require_square(grid: Grid, name: str) -> None:
    t = grid.transform
    across, down = math.hypot(t.a, t.d), math.hypot(t.b, t.e)
    skew = abs(t.a * t.b + t.d * t.e) / (across * down)
    if abs(across - down) > SQUARE * down or skew > SQUARE or t.determinant > 0:
        raise DataError(
            f"{name}: its pixels are not square or run from south to north ({t.to_gdal()}); warp it to square pixels: "
            "gdalwarp -tr SIDE SIDE"
        )

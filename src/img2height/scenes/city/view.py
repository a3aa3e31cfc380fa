"""The view of an off-nadir sensor, rectified with any surface: leaning roofs, walls, and the ground that they hide."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from img2height.scenes.city.geometry import direction
from img2height.scenes.city.light import horizon
from img2height.scenes.city.model import City

STEP_PX = 0.5  # along the longer axis of the line of sight
WALL_SLOPE = 2.5  # rise over one pixel: no roof is this steep


@dataclass(frozen=True)
class Sight:
    """Direction of parallel lines of sight.

    Attributes:
        off_nadir_deg: angle from the vertical, below 90.
        azimuth_deg: from the ground to the sensor, clockwise from north.
    """

    off_nadir_deg: float
    azimuth_deg: float

    @property
    def lean(self) -> np.ndarray:
        """Shift of the line of sight in metres, to the east and to the south, per metre of height."""
        return np.tan(np.radians(self.off_nadir_deg)) * np.array(direction(self.azimuth_deg))


@dataclass(frozen=True)
class View:
    """The first surface on the line of sight of each image pixel, all HxW.

    Attributes:
        rows: row of the surface in the rasters of the city, between pixels, float32.
        cols: its column.
        above_m: height above ground at the intersection, float32 metres.
        wall: the line meets the wall of a building below its roof.
        roof: row and column of the pixel of that building, of the nearest pixel if there is no wall, int32.
    """

    rows: np.ndarray
    cols: np.ndarray
    above_m: np.ndarray
    wall: np.ndarray
    roof: tuple[np.ndarray, np.ndarray]


def line_of_sight(city: City, sight: Sight, surface_m: np.ndarray) -> View:
    """Return the surface point at each pixel of an image orthorectified with a surface, right or wrong.

    The line of sight of a pixel passes through its position at the height of that surface. An object e metres above the
    surface appears e * tan(off_nadir) away from its position, on the side away from the sensor.

    Args:
        city: the truth.
        sight: the position of the sensor.
        surface_m: heights that rectify the image, HxW float32 metres without gaps: the terrain or a surface model.
    """
    lean_px = sight.lean / city.settings.gsd_m  # x, y
    rise = _rise_to_surface(city.dsm, surface_m, lean_px)
    shape = city.dsm.shape
    rows, cols = np.indices(shape, np.float32)
    rows, cols = (
        np.clip(place + rise * np.float32(lean), 0, n - 1)
        for place, lean, n in ((rows, lean_px[1], shape[0]), (cols, lean_px[0], shape[1]))
    )
    # A wall is one pixel step wide: the roof above it is half a pixel further from the sensor.
    right, down = direction(sight.azimuth_deg)
    row, col = nearest(rows - 0.5 * down, shape[0]), nearest(cols - 0.5 * right, shape[1])
    height = surface_m + rise
    wall = (city.building[row, col] > 0) & (city.dsm[row, col] - height > WALL_SLOPE * city.settings.gsd_m)
    row, col = np.where(wall, row, nearest(rows, shape[0])), np.where(wall, col, nearest(cols, shape[1]))
    return View(rows, cols, np.maximum(height - city.dtm[row, col], 0), wall, (row, col))


def nearest(places: np.ndarray, size: int) -> np.ndarray:
    """Return the nearest pixel numbers along an axis of a raster, int32."""
    return np.clip(np.rint(places), 0, size - 1).astype(np.int32)


def _rise_to_surface(dsm: np.ndarray, start_m: np.ndarray, lean_px: np.ndarray) -> np.ndarray:
    """Return how far above its start each line of sight meets the surface from above, HxW float32 metres.

    All lines are followed down together; between two steps the intersection is interpolated.
    """
    longer = max(abs(lean_px))
    if longer < 1e-9:
        return dsm - start_m
    step_m = STEP_PX / longer
    last, first = int(np.floor((dsm.min() - start_m.max()) / step_m)), int((dsm.max() - start_m.min()) / step_m) + 1
    reach = int(max(first, -last) * STEP_PX) + 3
    padded = np.pad(dsm, reach, mode="edge")
    rise = np.zeros(dsm.shape, np.float32)
    flying, over_before = np.ones(dsm.shape, bool), np.full(dsm.shape, -np.inf, np.float32)
    for step in range(first, last - 1, -1):
        over = _shifted(padded, step * step_m * lean_px, reach, dsm.shape) - start_m - np.float32(step * step_m)
        hit = flying & (over >= 0)
        share = over[hit] / (over[hit] - over_before[hit])
        rise[hit] = (step + share) * np.float32(step_m)
        flying ^= hit
        over_before = over
        if not flying.any():
            break
    return rise


def _shifted(padded: np.ndarray, shift_px: np.ndarray, margin: int, shape: tuple[int, int]) -> np.ndarray:
    """Return the raster inside a margin as seen from pixels at an offset (x, y), HxW float32, bilinear."""
    right, down = np.floor(shift_px).astype(int)
    part_x, part_y = (shift_px - (right, down)).astype(np.float32)
    total = np.zeros(shape, np.float32)
    for d_row, weight_y in ((down, 1 - part_y), (down + 1, part_y)):
        for d_col, weight_x in ((right, 1 - part_x), (right + 1, part_x)):
            if weight_y * weight_x > 0:
                row, col = margin + d_row, margin + d_col
                total += weight_y * weight_x * padded[row : row + shape[0], col : col + shape[1]]
    return total


def occluded(city: City, sight: Sight) -> np.ndarray:
    """Return which places of the truth the sensor does not see, HxW bool; none at nadir."""
    hidden = horizon(city.dsm, city.settings.gsd_m, sight.azimuth_deg, 90 - sight.off_nadir_deg)
    return hidden > city.dsm


def wall_directions(city: City) -> tuple[np.ndarray, np.ndarray]:
    """Return the outward direction of the nearest wall (x east, y south) inside buildings, two HxW float32."""
    mass = ndimage.gaussian_filter(city.building.astype(np.float32), 1.5 / city.settings.gsd_m)
    down, right = np.gradient(-mass)
    length = np.maximum(np.hypot(right, down), 1e-6)
    return right / length, down / length

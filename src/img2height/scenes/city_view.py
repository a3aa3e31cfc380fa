"""What a sensor off nadir sees: roofs that lean away from it, walls, and the ground that they hide."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from img2height.scenes.city_geometry import direction
from img2height.scenes.city_light import horizon
from img2height.scenes.city_model import City

STEP_PX = 0.5


@dataclass(frozen=True)
class View:
    """The first surface on the line of sight of each image pixel, all HxW.

    Attributes:
        rows: row of the surface in the rasters of the city.
        cols: its column.
        above_m: height above ground at which the line meets it, float32 metres.
        wall: the line meets the wall of a building below its roof.
    """

    rows: np.ndarray
    cols: np.ndarray
    above_m: np.ndarray
    wall: np.ndarray


def line_of_sight(city: City) -> View:
    """Return what each pixel of an image shows that is rectified to the bare ground.

    A surface at height h above ground appears h * tan(off_nadir) away from its place, on the far side of the sensor.
    Each line of sight is followed up from the ground; the last hit is nearest to the sensor: a z-buffer without holes.
    """
    settings, shape = city.settings, city.ndsm.shape
    right, down = direction(settings.off_nadir_azimuth_deg)
    tangent = np.tan(np.radians(settings.off_nadir_deg))
    rise = np.float32(STEP_PX * settings.gsd_m / tangent)
    rows0, cols0 = np.indices(shape, np.int32)
    rows, cols, above = rows0.copy(), cols0.copy(), np.zeros(shape, np.float32)
    for step in range(1, int(city.ndsm.max() / rise) + 1):
        shift = step * STEP_PX
        row = np.clip(rows0 + round(shift * down), 0, shape[0] - 1)
        col = np.clip(cols0 + round(shift * right), 0, shape[1] - 1)
        hit = city.ndsm[row, col] >= step * rise
        rows[hit], cols[hit], above[hit] = row[hit], col[hit], step * rise
    below_roof = city.ndsm[rows, cols] - above > 1.5 * (rise + settings.gsd_m)
    return View(rows, cols, above, below_roof & (city.building[rows, cols] > 0))


def occluded(city: City) -> np.ndarray:
    """Return which places of the truth the sensor does not see, HxW bool: nothing at nadir."""
    settings = city.settings
    if settings.off_nadir_deg == 0:
        return np.zeros(city.ndsm.shape, bool)
    above = horizon(city.ndsm, settings.gsd_m, settings.off_nadir_azimuth_deg, 90 - settings.off_nadir_deg)
    return above > city.ndsm


def wall_directions(city: City) -> tuple[np.ndarray, np.ndarray]:
    """Return the outward direction of the nearest wall (x east, y south) inside buildings, two HxW float32."""
    mass = ndimage.gaussian_filter(city.building.astype(np.float32), 1.5 / city.settings.gsd_m)
    down, right = np.gradient(-mass)
    length = np.maximum(np.hypot(right, down), 1e-6)
    return right / length, down / length

"""The image geometry of a side-looking radar: range, and the sum of all echoes of one range."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from img2height.scenes.city.geometry import direction
from img2height.settings.city import SarSettings


@dataclass(frozen=True)
class Look:
    """The line of sight of a radar.

    Attributes:
        right: east component of the unit vector from the ground to the sensor.
        down: its south component.
        incidence: angle of the line of sight from the vertical in radians.
        gsd_m: pixel size in metres.
    """

    right: float
    down: float
    incidence: float
    gsd_m: float

    @classmethod
    def of(cls, radar: SarSettings, gsd_m: float) -> "Look":
        """Return the line of sight of a radar over a grid of some pixel size in metres."""
        return cls(*direction(radar.look_azimuth_deg), float(np.radians(radar.incidence_deg)), gsd_m)

    @property
    def towards(self) -> np.ndarray:
        """Unit vector towards the sensor: x east, y south, z up."""
        sin, cos = np.sin(self.incidence), np.cos(self.incidence)
        return np.array([self.right * sin, self.down * sin, cos], np.float32)

    def layover_px(self, above_m: np.ndarray) -> np.ndarray:
        """Return the layover of a point at a height above the terrain, in pixels towards the sensor."""
        return above_m / (np.tan(self.incidence) * self.gsd_m)


@dataclass(frozen=True)
class Scatterers:
    """Points that reflect power, all of length N.

    Attributes:
        rows: true row, not rounded.
        cols: true column, not rounded.
        above_m: height above the terrain in metres.
        power: radar cross section in units of a pixel's ground area, 4xN.
    """

    rows: np.ndarray
    cols: np.ndarray
    above_m: np.ndarray
    power: np.ndarray


def add_echoes(image: np.ndarray, look: Look, points: Scatterers) -> None:
    """Add points to an image in ground range that is geocoded on the terrain; each is distributed over four pixels.

    Args:
        image: intensity, 4xHxW float64; changed in place.
        look: the line of sight.
        points: those outside the image after the shift by layover are left out.
    """
    bands, height, width = image.shape
    shift = look.layover_px(points.above_m)
    rows, cols = points.rows + shift * look.down, points.cols + shift * look.right
    row0, col0 = np.floor(rows).astype(np.int64), np.floor(cols).astype(np.int64)
    for below, beside in product((0, 1), repeat=2):
        share = (1 - np.abs(rows - row0 - below)) * (1 - np.abs(cols - col0 - beside))
        row, col = row0 + below, col0 + beside
        inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
        pixel, share = (row * width + col)[inside], share[inside]
        for band in range(bands):
            total = np.bincount(pixel, share * points.power[band, inside], height * width)
            image[band] += total.reshape(height, width)

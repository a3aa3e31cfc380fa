"""The picture of an image of any size: which bands are shown, and how they are stretched, from the whole image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.colours import OPTICAL, RADAR, channel, fit, stretch_limits, stretched
from img2height.io.pixels import Pixels, read_pixels

SAMPLE_PX = 1024  # the longest side of the image from which the stretch is taken


@dataclass(frozen=True)
class Picture:
    """An image as red, green and blue.

    Attributes:
        raster: the open image.
        bands: names of its bands, in order.
        shown: the bands in red, green and blue; "vv/vh" is a ratio in decibels.
        limits: values of each that are black and white; none for eight bits, which are shown as they are.
    """

    raster: DatasetReader
    bands: list[str]
    shown: tuple[str, ...]
    limits: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, raster: DatasetReader, bands: Sequence[str]) -> "Picture":
        """Return the picture of an open image.

        Args:
            raster: the image.
            bands: the name of each band.
        """
        plain = cls(raster, list(bands), shown_bands(bands))
        if set(raster.dtypes) == {"uint8"}:
            return plain
        step = max(1, max(raster.shape) / SAMPLE_PX)
        pixels, valid = plain._pixels(None, (max(1, round(raster.height / step)), max(1, round(raster.width / step))))
        return cls(raster, plain.bands, plain.shown, tuple(stretch_limits(band, valid) for band in pixels))

    def read(self, window: Window) -> np.ndarray:
        """Return a window as HxWx4 uint8: red, green, blue and opacity, which is 0 where the image is missing."""
        pixels, valid = self._pixels(window)
        colours = list(map(stretched, pixels, self.limits)) if self.limits else pixels
        opaque = np.where(valid, 255, 0)
        return np.dstack([*(np.where(valid, colour, 0) for colour in colours), opaque]).astype(np.uint8)

    def _pixels(self, window: Window | None, shape: tuple[int, int] | None = None) -> Pixels:
        """Return the shown channels, 3 x H x W, and where all of them are valid."""
        needed = sorted({part for name in self.shown for part in name.split("/")}, key=self.bands.index)
        values, valid = read_pixels(self.raster, [self.bands.index(name) + 1 for name in needed], window, shape=shape)
        named = dict(zip(needed, values, strict=True))
        return Pixels(np.stack([channel(named, name) for name in self.shown]), valid)


def shown_bands(bands: Sequence[str]) -> tuple[str, ...]:
    """Return the bands to show in red, green and blue, as in the report; the first of them in grey if nothing fits."""
    usual = (*OPTICAL.values(), *RADAR.values())
    return next((names for names in usual if fit(names, bands)), (bands[0],) * 3)

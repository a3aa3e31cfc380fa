"""Estimates the offset of the image from the heights, from edges that both show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy import fft, ndimage

from img2height.io.rasters import read_heights

WINDOW_PX = 512
MOST_WINDOWS = 24
FARTHEST_M = 10.0
TALL_M = 15.0  # edges of towers count no more than those of houses
EDGE_QUANTILE = 0.97
PEAK_PX = 4
SMALLEST_PX = 4 * (PEAK_PX + 1)  # side of an image whose correlation has a peak and surroundings
CONFIDENT = 1.25


@dataclass(frozen=True)
class Offset:
    """The offset of the image from the heights.

    Attributes:
        east_m: metres east.
        north_m: metres north.
        confidence: height of the peak relative to the next one; below `CONFIDENT` the estimate is meaningless.
    """

    east_m: float
    north_m: float
    confidence: float

    @property
    def confident(self) -> bool:
        """Return whether the peak stands out."""
        return self.confidence >= CONFIDENT


def estimate_offset(image: DatasetReader, heights: DatasetReader, gsd_m: float) -> Offset | None:
    """Return the offset of an image from heights above ground, None if there is no edge or no room for a peak.

    Edge directions are correlated (Fitch, Kadyrov, Christmas and Kittler, "Orientation correlation", BMVC 2002), with
    doubled angles, because a roof may be brighter or darker than its surroundings, and summed over windows spread over
    the scene, with sub-pixel resolution.

    Args:
        image: the image; its bands are averaged.
        heights: heights above ground in metres on the same grid.
        gsd_m: pixel size in metres.
    """
    windows = spread_windows(image.width, image.height, MOST_WINDOWS)
    return offset_at_peak(np.sum(list(correlations(image, heights, gsd_m, windows)), axis=0), gsd_m)


def spread_windows(width: int, height: int, most: int) -> list[Window]:
    """Return windows at even steps over a grid, at most so many; none if the grid is too small for a peak."""
    size = min(WINDOW_PX, width, height)
    if size < SMALLEST_PX:
        return []
    rows, cols = (np.arange(0, length - size + 1, max(size // 2, 1)) for length in (height, width))
    corners = [(int(col), int(row)) for row in rows for col in cols]
    chosen = np.unique(np.linspace(0, len(corners) - 1, most).round().astype(int))
    return [Window(*corners[index], size, size) for index in chosen]


def correlations(
    image: DatasetReader, heights: DatasetReader, gsd_m: float, windows: Sequence[Window]
) -> Iterator[np.ndarray]:
    """Yield the correlation of each window for each shift of up to `FARTHEST_M`; the centre is no shift."""
    reach = max(PEAK_PX + 1, round(FARTHEST_M / gsd_m))
    for window in windows:
        yield _correlate(*_read(image, heights, window), reach)


def offset_at_peak(surface: np.ndarray, gsd_m: float) -> Offset | None:
    """Return the offset at the peak of a correlation, to a fraction of a pixel; None if there is none."""
    if not np.max(surface) > 0:
        return None
    peak = tuple(map(int, np.unravel_index(surface.argmax(), surface.shape)))
    row, col = (
        index + _vertex(surface, peak, axis) - size // 2
        for axis, (index, size) in enumerate(zip(peak, surface.shape, strict=True))
    )
    return Offset(float(col * gsd_m), float(-row * gsd_m), _prominence(surface, peak))


def _read(image: DatasetReader, heights: DatasetReader, window: Window) -> tuple[np.ndarray, np.ndarray]:
    grey = image.read(window=window).mean(axis=0, dtype=np.float32)
    above = np.nan_to_num(read_heights(heights, window), nan=0.0)
    return grey, np.clip(above, 0, TALL_M)


def _edges(values: np.ndarray) -> np.ndarray:
    """Return the gradient as a complex number, with doubled angle and length of at most 1, HxW."""
    gradient = ndimage.gaussian_filter(values, 1, order=(0, 1)) + 1j * ndimage.gaussian_filter(values, 1, order=(1, 0))
    length = np.abs(gradient)
    strong = np.quantile(length, EDGE_QUANTILE)
    unit = np.divide(gradient, length, out=np.zeros_like(gradient), where=length > 0)
    return unit**2 * np.minimum(length / strong, 1) if strong > 0 else np.zeros_like(gradient)


def _correlate(image: np.ndarray, heights: np.ndarray, reach: int) -> np.ndarray:
    """Return the correlation for each shift of up to `reach` pixels; the centre is no shift."""
    taper = np.outer(*(np.hanning(length) for length in image.shape))
    spectra = [fft.fft2(_edges(values) * taper) for values in (image, heights)]
    surface = fft.fftshift(fft.ifft2(spectra[0] * np.conj(spectra[1])).real)
    row, col = (length // 2 for length in surface.shape)
    reach = min(reach, row - 1, col - 1)
    return surface[row - reach : row + reach + 1, col - reach : col + reach + 1]


def _vertex(surface: np.ndarray, peak: tuple[int, ...], axis: int) -> float:
    """Return the sub-pixel maximum of the parabola through a peak and its two neighbours, -0.5 to 0.5."""
    line = surface[:, peak[1]] if axis == 0 else surface[peak[0]]
    at = peak[axis]
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = line[at - 1 : at + 2]
    return float((before - after) / (2 * (before - 2 * here + after)))


def _prominence(surface: np.ndarray, peak: tuple[int, ...]) -> float:
    """Return a peak divided by the highest value farther than `PEAK_PX` from it."""
    others = surface.copy()
    others[tuple(slice(max(at - PEAK_PX, 0), at + PEAK_PX + 1) for at in peak)] = -np.inf
    return float(surface[peak] / max(others.max(), 1e-9 * surface[peak]))

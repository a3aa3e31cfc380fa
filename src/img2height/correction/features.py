"""What a correction may depend on: a predicted height, its surroundings, its class, and the image if there is one."""

from dataclasses import dataclass

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter

from img2height.io.grid import Grid
from img2height.io.pixels import read_pixels
from img2height.io.rasters import read_heights
from img2height.vocabulary.classes import HEIGHTS_M
from img2height.vocabulary.outputs import CLASSES, FOOTPRINT
from img2height.vocabulary.quantities import ABOVE_GROUND, quantity_of

SCALES_PX = (2.0, 8.0)  # standard deviations of the Gaussians: a roof's edge, and a house with its garden
REACH = 3.0  # standard deviations at which they are cut
MARGIN_PX = int(REACH * max(SCALES_PX) + 0.5)
GROUND_M = HEIGHTS_M["height_0_3"][1]
LIKELY = 0.5  # from this probability on a pixel is a building
GROUND, BUILDING, OTHER = range(3)
NAMES = {GROUND: "ground", BUILDING: "buildings", OTHER: "other"}  # of the classes


@dataclass(frozen=True)
class Described:
    """The pixels of a window as a correction sees them.

    Attributes:
        height_m: HxW float32, predicted; NaN where missing.
        classes: HxW uint8, a key of `NAMES`; `OTHER` everywhere if the map is not of heights above ground.
        features: KxHxW float32, see `Map.names`; NaN where missing; only heights if nothing else was asked for.
    """

    height_m: np.ndarray
    classes: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class Map:
    """An open height map, with an image on the same grid if there is one.

    Attributes:
        heights: raster whose first band has heights in metres; it may have a band of building probabilities.
        image: optional image.
    """

    heights: DatasetReader
    image: DatasetReader | None = None

    @property
    def grid(self) -> Grid:
        """The pixel grid."""
        return Grid.of(self.heights)

    @property
    def quantity(self) -> str:
        """What the heights are, a key of `QUANTITIES`."""
        return quantity_of(self.heights.descriptions[0]).name

    @property
    def above_ground(self) -> bool:
        """Whether 0 m is the ground."""
        return self.quantity in ABOVE_GROUND

    @property
    def probability_band(self) -> int | None:
        """The band of the building probability, from 1; None if there is none."""
        name = CLASSES[FOOTPRINT].band
        found = [index for index, text in enumerate(self.heights.descriptions, 1) if text == name]
        return found[0] if found else None

    @property
    def names(self) -> list[str]:
        """The names of the features, in order."""
        around = [f"{what} within {scale:g} px" for scale in SCALES_PX for what in ("mean", "deviation")]
        bands = [f"band {index}" for index in self.bands]
        shares = [f"share of {band}" for band in bands] if len(bands) > 1 else []
        return ["height", *around, *bands, *shares, *(["building probability"] if self.probability_band else [])]

    @property
    def bands(self) -> list[int]:
        """The bands of the image, from 1, without those of opacity."""
        if self.image is None:
            return []
        uses = zip(self.image.indexes, self.image.colorinterp, strict=True)
        return [index for index, use in uses if use != ColorInterp.alpha]

    def describe(self, window: Window, *, surroundings: bool = True) -> Described:
        """Return the pixels of a window; they do not depend on how the map is cut into windows.

        Args:
            window: part of the grid.
            surroundings: whether more than heights and classes is needed.
        """
        height_m = read_heights(self.heights, window)
        probability = read_heights(self.heights, window, self.probability_band) if self.probability_band else None
        classes, features = self._classes(height_m, probability), [height_m]
        if surroundings:
            features += self._around(window) + ([] if probability is None else [probability])
        return Described(height_m, classes, np.stack(features).astype(np.float32))

    def _around(self, window: Window) -> list[np.ndarray]:
        wide, inside = self.grid.around(window, MARGIN_PX)
        found = _surroundings(read_heights(self.heights, wide))
        if self.image is not None:
            found += _colours(self.image, self.bands, wide)
        return [feature[inside] for feature in found]

    def _classes(self, height_m: np.ndarray, probability: np.ndarray | None) -> np.ndarray:
        found = np.full(height_m.shape, OTHER, np.uint8)
        if self.above_ground:
            found[height_m <= GROUND_M] = GROUND
        if probability is not None:
            found[probability >= LIKELY] = BUILDING
        return found


def _surroundings(values: np.ndarray) -> list[np.ndarray]:
    """Return mean and standard deviation of the valid pixels around each pixel, at each of `SCALES_PX`."""
    valid = np.isfinite(values)
    filled = np.where(valid, values, 0).astype(np.float64)
    found = []
    for scale in SCALES_PX:
        weight, total, squares = (_blurred(array, scale) for array in (valid.astype(np.float64), filled, filled**2))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / weight
            found += [mean, np.sqrt(np.maximum(squares / weight - mean**2, 0))]
    return [np.where(valid, each, np.nan) for each in found]


def _colours(image: DatasetReader, bands: list[int], window: Window) -> list[np.ndarray]:
    """Return the mean of each band around each pixel, and the share of each band in their sum."""
    values, valid = read_pixels(image, bands, window)
    weight = _blurred(valid.astype(np.float64), SCALES_PX[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [_blurred(np.where(valid, band, 0).astype(np.float64), SCALES_PX[0]) / weight for band in values]
        means = [np.where(valid, mean, np.nan) for mean in means]
        total = np.sum(means, axis=0)
        return means + ([mean / total for mean in means] if len(means) > 1 else [])


def _blurred(values: np.ndarray, scale: float) -> np.ndarray:
    """Return weighted sums around each pixel; what lies outside counts as 0, in any window alike."""
    return gaussian_filter(values, scale, mode="constant", truncate=REACH)

"""Crops of a scene for figures: image, reference and test area of a window, decimated with overviews."""

import math
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rasterio.windows import Window
from scipy.ndimage import uniform_filter
from shapely.geometry.base import BaseGeometry

from img2height.colours import Scales
from img2height.heights import is_valid, read_compared
from img2height.io.areas import area_mask, in_window
from img2height.io.grid import Grid
from img2height.io.pixels import read_pixels
from img2height.io.projections import Areas
from img2height.io.rasters import open_raster, read_heights
from img2height.picture import composites
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import PRESENT
from img2height.vocabulary.quantities import REFERENCES, TERRAIN

DETAIL_PX = 256
BUILT_M = 2.5


@dataclass(frozen=True)
class View:
    """One window of a scene as drawn.

    Attributes:
        window: in pixels of the scene.
        step: scene pixels per drawn pixel in each direction.
        grid: of the scene.
        image: HxWx4 uint8, red, green, blue and opacity; 0 where the image is nodata.
        reference: HxW float32, metres, NaN where missing.
        terrain: whether the reference contains elevations of the terrain and not heights above ground.
        built: HxW bool, reference buildings.
        area: HxW bool, the test area.
    """

    window: Window
    step: int
    grid: Grid
    image: np.ndarray
    reference: np.ndarray
    terrain: bool
    built: np.ndarray
    area: np.ndarray

    @property
    def unit(self) -> str:
        """Quantity and unit of the reference, for a colour bar."""
        return "elevation (m)" if self.terrain else "height (m)"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the drawing."""
        return self.area.shape[0], self.area.shape[1]

    @property
    def gsd_m(self) -> float:
        """Size of a scene pixel in metres."""
        return self.grid.gsd_m

    @property
    def scales(self) -> Scales:
        """The colour scales, derived from the reference in the test area."""
        return Scales.of(self.reference[np.isfinite(self.reference) & self.area], from_ground=not self.terrain)

    def drawn(self, areas: Areas) -> Areas:
        """Return areas in the pixel coordinates of the drawing, from those of the scene."""
        return in_window(areas, self.window, self.step)


def read_view(scene: Scene, area: BaseGeometry, window: Window, side_px: int) -> View:
    """Return a window at full resolution, or decimated so that no side is longer than `side_px`.

    The reference is the scene's ndsm, or its dtm if it has no ndsm.

    A drawn pixel consists of whole pixels of the scene; remaining ones at the right and lower edge are not drawn.

    Args:
        scene: with the layer ndsm or dtm.
        area: test area in pixel coordinates of the scene.
        window: on the scene's grid.
        side_px: longest side of the drawing in pixels.
    """
    longest, shortest = max(window.width, window.height), min(window.width, window.height)
    step = min(math.ceil(longest / side_px), int(shortest))
    shape = int(window.height // step), int(window.width // step)
    window = Window(window.col_off, window.row_off, shape[1] * step, shape[0] * step)
    terrain = "ndsm" not in scene.layers
    reference = read_surface(scene.path("dtm" if terrain else "ndsm"), window, shape)
    if "building" in scene.layers:
        built = read_mask(scene.path("building"), window, shape) == PRESENT
    else:
        built = (reference > BUILT_M) & (not terrain)
    inside = area_mask(area, window, step)  # at the drawn size: the mask of a whole scene may not fit in memory
    image = next(iter(read_pictures(scene, scene.picture, window, shape).values()))
    return View(window, step, scene.grid, image, reference, terrain, built, inside)


def read_prediction(height: Path, scene: Scene, view: View) -> tuple[View, np.ndarray]:
    """Return the view with the reference of a prediction, and the prediction on its pixels.

    The two are compared as scores compare them, see `read_compared`: both are HxW float32 metres, NaN where missing.

    Args:
        height: predicted heights in metres on the scene's grid, the quantity in the band description.
        scene: with the layers to compare the prediction with.
        view: the window to read.
    """
    with ExitStack() as stack:
        raster = stack.enter_context(open_raster(height))
        names = [name for name in REFERENCES if name in scene.layers]
        layers = {name: stack.enter_context(open_raster(scene.path(name))) for name in names}
        compared = read_compared(raster, layers, view.window, view.shape)
        terrain = raster.descriptions[0] == TERRAIN
    predicted, reference = (_valid(heights) for heights in compared)
    return replace(view, reference=reference, terrain=terrain or view.terrain), predicted


def read_width(interval: Path, view: View) -> np.ndarray:
    """Return how wide the intervals of heights are, HxW float32 metres, NaN where missing.

    Args:
        interval: interval.tif on the scene's grid, bands `height_low` and `height_high`.
        view: the window to read.
    """
    with open_raster(interval) as dataset:
        low, high = read_heights(dataset, view.window, [1, 2], view.shape)
    return high - low


def read_quantity(height: Path) -> str:
    """Return the quantity of a height raster, according to its band description."""
    with open_raster(height) as dataset:
        return dataset.descriptions[0]


def detail_window(view: View) -> Window | None:
    """Return the window of 256 px with the most building outlines in the test area; None if small or without any.

    Outlines and not roof area, because the inside of a large roof does not show how sharp edges are.
    """
    window = view.window
    if max(window.width, window.height) <= DETAIL_PX:
        return None
    outline = view.built & view.area
    outline = (outline ^ np.roll(outline, 1, axis=0)) | (outline ^ np.roll(outline, 1, axis=1))
    if not outline.any():
        return None
    share = uniform_filter(outline.astype(np.float64), max(1, DETAIL_PX // view.step), mode="constant")
    row, column = np.unravel_index(np.argmax(np.round(share, 9)), share.shape)
    width, height = (int(min(DETAIL_PX, side)) for side in (window.width, window.height))
    left = min(max(int(column) * view.step - width // 2, 0), int(window.width) - width)
    top = min(max(int(row) * view.step - height // 2, 0), int(window.height) - height)
    return Window(int(window.col_off) + left, int(window.row_off) + top, width, height)


def read_pictures(scene: Scene, layer: str, window: Window, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return the pictures of an image layer by the bands shown, each HxWx4 uint8: red, green, blue and opacity.

    Args:
        scene: with the layer.
        layer: an image, or a surface model, which is shown in grey.
        window: on the scene's grid.
        shape: rows and columns to read.
    """
    bands = scene.layers[layer].bands
    with open_raster(scene.path(layer)) as dataset:
        values, valid = read_pixels(dataset, scene.band_indexes(layer, bands), window, shape=shape)
    opacity = np.where(valid, 255, 0).astype(np.uint8)
    return {name: np.dstack([picture, opacity]) for name, picture in composites(bands, values, valid).items()}


def read_surface(path: Path, window: Window, shape: tuple[int, int]) -> np.ndarray:
    """Return the heights of a raster as HxW float32 metres, NaN where missing."""
    with open_raster(path) as dataset:
        return _valid(read_heights(dataset, window, shape=shape))


def read_mask(path: Path, window: Window, shape: tuple[int, int]) -> np.ndarray:
    """Return a mask as HxW uint8 (1, 0, 255 nodata)."""
    with open_raster(path) as dataset:
        return dataset.read(1, window=window, out_shape=shape)


def _valid(heights: np.ndarray) -> np.ndarray:
    return np.where(is_valid(heights), heights, np.float32(np.nan))

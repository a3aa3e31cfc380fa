"""What a figure shows of a scene: image, reference and area of one window, decimated through the overviews."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.enums import Resampling
from rasterio.features import geometry_mask
from rasterio.windows import Window
from scipy.ndimage import uniform_filter
from shapely.geometry.base import BaseGeometry

from img2height.rasters import open_raster
from img2height.scenes.heights import SURFACE
from img2height.scenes.scene import Scene

DETAIL_PX = 256
BUILT_M = 2.5
COLOURS = ["red", "green", "blue"]


@dataclass(frozen=True)
class View:
    """One window of a scene as it is drawn.

    Attributes:
        window: in pixels of the scene.
        step: scene pixels a drawn pixel, in each direction.
        gsd_m: ground size of a scene pixel in metres.
        image: HxWx4 uint8, red, green, blue and opacity; 0 where there is no image.
        reference: HxW float32, metres above ground, NaN where unknown.
        built: HxW bool, reference buildings.
        area: HxW bool, the test area.
    """

    window: Window
    step: int
    gsd_m: float
    image: np.ndarray
    reference: np.ndarray
    built: np.ndarray
    area: np.ndarray

    @property
    def to_view(self) -> Affine:
        """Pixel coordinates of the scene to those of the drawing."""
        return Affine.scale(1 / self.step) @ Affine.translation(-self.window.col_off, -self.window.row_off)


def read_view(scene: Scene, area: BaseGeometry, window: Window, side_px: int) -> View:
    """Return what a window shows, at full resolution or decimated so that no side is longer than `side_px`.

    A drawn pixel stands for whole pixels of the scene; those left over at the right and lower edge are not drawn.

    Args:
        scene: with the layers eo and ndsm.
        area: test area in pixel coordinates of the scene.
        window: on the scene's grid.
        side_px: longest side of the drawing in pixels.
    """
    longest, shortest = max(window.width, window.height), min(window.width, window.height)
    step = min(math.ceil(longest / side_px), int(shortest))
    shape = int(window.height // step), int(window.width // step)
    window = Window(window.col_off, window.row_off, shape[1] * step, shape[0] * step)
    reference = _read(scene.path("ndsm"), window, shape)
    if "building" in scene.layers:
        built = _read(scene.path("building"), window, shape, Resampling.nearest) == 1
    else:
        built = reference > BUILT_M
    to_scene = Affine.translation(window.col_off, window.row_off) @ Affine.scale(step)
    inside = geometry_mask([area], shape, to_scene, invert=True)  # at the size that is drawn, not pixel by pixel
    return View(window, step, scene.grid.gsd_m, _image(scene, window, shape), reference, built, inside)


def read_prediction(height: Path, scene: Scene, view: View) -> np.ndarray:
    """Return a prediction as HxW float32 metres above ground in a view, NaN where there is none.

    Args:
        height: predicted heights in metres on the scene's grid, the quantity in the band description.
        scene: with the layer dtm where surface heights were predicted.
        view: where to read.
    """
    with open_raster(height) as dataset:
        surface = dataset.descriptions[0] == SURFACE
    predicted = _read(height, view.window, view.reference.shape)
    return predicted - _read(scene.path("dtm"), view.window, view.reference.shape) if surface else predicted


def detail_window(view: View) -> Window | None:
    """Return the window of 256 px with most building outline in the test area, or None where the view is no larger.

    Outlines and not roofs: the inside of one large roof shows nothing of how sharp the edges are.
    """
    window = view.window
    if max(window.width, window.height) <= DETAIL_PX:
        return None
    outline = view.built & view.area
    outline = (outline ^ np.roll(outline, 1, axis=0)) | (outline ^ np.roll(outline, 1, axis=1))
    share = uniform_filter(outline.astype(np.float64), max(1, DETAIL_PX // view.step), mode="constant")
    row, column = np.unravel_index(np.argmax(np.round(share, 9)), share.shape)
    width, height = (int(min(DETAIL_PX, side)) for side in (window.width, window.height))
    left = min(max(int(column) * view.step - width // 2, 0), int(window.width) - width)
    top = min(max(int(row) * view.step - height // 2, 0), int(window.height) - height)
    return Window(int(window.col_off) + left, int(window.row_off) + top, width, height)


def _read(
    path: Path, window: Window, shape: tuple[int, int], resampling: Resampling = Resampling.average
) -> np.ndarray:
    with open_raster(path) as dataset:
        band = dataset.read(1, window=window, out_shape=shape, masked=True, resampling=resampling)
    return band.astype(np.float32).filled(np.nan)


def _image(scene: Scene, window: Window, shape: tuple[int, int]) -> np.ndarray:
    picture = scene.picture
    there = scene.layers[picture].bands
    names = COLOURS if set(COLOURS) <= set(there) else there[:1] * 3
    with open_raster(scene.path(picture)) as dataset:
        indexes = scene.band_indexes(picture, names)
        bands = dataset.read(indexes, window=window, out_shape=(3, *shape), resampling=Resampling.average)
        opacity = dataset.dataset_mask(window=window, out_shape=shape)
    if bands.dtype != np.uint8:
        bands = np.stack([_stretch(band, opacity > 0) for band in bands])
    return np.dstack([*bands, opacity])  # H x W x 4


def _stretch(band: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return a band as uint8 between its 2nd and 98th percentile, for sensors of more than eight bits."""
    low, high = np.percentile(band[known], [2, 98]) if known.any() else (0.0, 1.0)
    return (np.clip((band - low) / max(high - low, 1e-9), 0, 1) * 255).astype(np.uint8)

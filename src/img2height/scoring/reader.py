"""Reading of a scene by windows of whole tiles: heights, land cover and masks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.heights import is_valid, read_compared
from img2height.io.areas import area_mask
from img2height.io.rasters import read_heights
from img2height.metrics.block import tile_slices
from img2height.scoring.landcover import BuildingSizes, read_kinds, read_mask
from img2height.vocabulary.quantities import RELATIVE, SURFACE, TERRAIN


@dataclass(frozen=True)
class Pixels:
    """A window of a scene.

    Attributes:
        predicted: HxW float32 metres, NaN where missing.
        truth: HxW float32 metres, NaN where missing or outside the area.
        kinds: HxW uint16, the land-cover kind, see `strata_of_kinds`.
        inside: HxW bool, the area.
        building: HxW uint8, the reference mask.
        footprint: HxW uint8, the predicted mask; None if there is none.
    """

    predicted: np.ndarray
    truth: np.ndarray
    kinds: np.ndarray
    inside: np.ndarray
    building: np.ndarray
    footprint: np.ndarray | None


class SceneReader:
    """Reads a prediction, its reference and land cover by windows of whole tiles.

    Args:
        heights: open raster, the prediction.
        layers: open rasters of the scene.
        sizes: of the reference buildings; None for no size classes.
        tile_px: side of the tiles.
    """

    def __init__(
        self,
        heights: DatasetReader,
        layers: Mapping[str, DatasetReader],
        sizes: BuildingSizes | None,
        tile_px: int,
    ):
        self.heights, self.layers, self.sizes, self.tile_px = heights, layers, sizes, tile_px
        self.quantity = heights.descriptions[0]
        self.above_ground = self.quantity != TERRAIN and "ndsm" in layers

    def read(self, window: Window, area: BaseGeometry | None) -> Pixels | None:
        """Return a window that begins at the corner of a tile, None outside the area (by default the whole scene)."""
        inside = _inside(window, area)
        if not inside.any():
            return None
        predicted, truth = self._compared(window)
        counted, nonzero = inside & is_valid(truth), self._own_reference(window, truth) != 0
        height = truth if self.above_ground else None
        kinds, building = read_kinds(self.layers, window, nonzero, height, self.sizes)
        predicted, truth = np.where(is_valid(predicted), predicted, np.nan), np.where(counted, truth, np.nan)
        footprint = read_mask(self.layers, "footprint", window) if "footprint" in self.layers else None
        return Pixels(predicted, truth, kinds, inside, building, footprint)

    def _compared(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return prediction and reference; relative heights are aligned in each tile separately."""
        if self.quantity != RELATIVE:
            return read_compared(self.heights, self.layers, window)
        both = np.full((2, int(window.height), int(window.width)), np.nan, np.float32)
        for rows, columns in tile_slices(both.shape[1:], self.tile_px):
            left, top = window.col_off + columns.start, window.row_off + rows.start
            tile = Window(left, top, columns.stop - columns.start, rows.stop - rows.start)
            both[:, rows, columns] = read_compared(self.heights, self.layers, tile)
        return both[0], both[1]

    def _own_reference(self, window: Window, truth: np.ndarray) -> np.ndarray:
        """Return the reference in the quantity of the prediction: for a surface model the surface."""
        if self.quantity != SURFACE:
            return truth
        return truth + read_heights(self.layers["dtm"], window)


def _inside(window: Window, area: BaseGeometry | None) -> np.ndarray:
    if area is None:
        return np.ones((int(window.height), int(window.width)), bool)
    return area_mask(area, window)

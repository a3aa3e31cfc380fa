"""The input pixels of a model: one reader for training, validation, prediction and pictures of them."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.io.pixels import Pixels, read_pixels
from img2height.io.rasters import reading
from img2height.scenes.scene import Scene
from img2height.scenes.sources import VIEW_BAND
from img2height.vocabulary.layers import VIEWS, view_name

MOST_OPEN = 256  # rasters per reader; systems commonly allow a process 1024 files


@dataclass(frozen=True)
class Patch:
    """The pixels of a window in all input layers of a model.

    Attributes:
        window: its position on the grid of the scene.
        images: by layer, C x H x W as stored; `views` are the requested views. Optional layers may be absent.
        valids: by layer, H x W bool, where the image is valid.
        optional: layers that may be missing at a pixel.
    """

    window: Window
    images: dict[str, np.ndarray]
    valids: dict[str, np.ndarray]
    optional: tuple[str, ...]

    @property
    def valid(self) -> np.ndarray:
        """Where all layers are valid that are not optional, and at least one layer, H x W bool."""
        if not self.valids:
            return np.zeros((self.window.height, self.window.width), bool)
        required = [valid for layer, valid in self.valids.items() if layer not in self.optional]
        return np.logical_and.reduce(required) if required else np.logical_or.reduce(list(self.valids.values()))

    def part(self, window: Window) -> "Patch":
        """Return the pixels of a window that begins in this one; missing rows and columns are filled by reflection."""
        images, valids = (
            {layer: self._cut(array, window) for layer, array in arrays.items()}
            for arrays in (self.images, self.valids)
        )
        return Patch(window, images, valids, self.optional)

    def _cut(self, array: np.ndarray, window: Window) -> np.ndarray:
        row, column = window.row_off - self.window.row_off, window.col_off - self.window.col_off
        found = array[..., row : row + window.height, column : column + window.width]
        lacking = [
            (0, whole - side) for whole, side in zip((window.height, window.width), found.shape[-2:], strict=True)
        ]
        if lacking == [(0, 0), (0, 0)]:
            return found
        return np.pad(found, [(0, 0)] * (array.ndim - 2) + lacking, "reflect")


def layers_read(
    inputs: Mapping[str, list[str]], scene: Scene, views: Sequence[int], optional: Container[str] = ()
) -> dict[str, list[tuple[str, list[str]]]]:
    """Return by input layer of a model the scene layers and bands that it reads; each view is a layer of its own.

    Args:
        inputs: bands by input layer; of `views` one name per view.
        scene: the scene; optional layers that it lacks are not read.
        views: numbers of the views of the scene, the same number; none if optional views are not used.
        optional: layers that the scene may lack.
    """
    read = {
        layer: [(view_name(number), [VIEW_BAND]) for number in views] if layer == VIEWS else [(layer, bands)]
        for layer, bands in inputs.items()
    }
    return {
        layer: parts
        for layer, parts in read.items()
        if layer not in optional or (parts and all(name in scene.layers for name, _ in parts))
    }


class InputReader:
    """Reads windows of scenes; keeps the most recently read rasters open, separately in each process.

    Args:
        inputs: bands by input layer.
        optional: those that a scene may lack.
    """

    def __init__(self, inputs: dict[str, list[str]], optional: Sequence[str] = ()):
        self.inputs = inputs
        self.optional = tuple(optional)
        self._open: dict[Path, DatasetReader] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}  # open rasters do not cross a process border

    def read(self, scene: Scene, window: Window, views: Sequence[int] = (), without: Container[str] = ()) -> Patch:
        """Return the pixels of a window; pixels beyond the scene are filled by reflection.

        Args:
            scene: the scene.
            window: begins on the grid of the scene.
            views: numbers of the views to use, in order.
            without: optional layers to leave out.

        Raises:
            DataError: a layer or band is missing, altered or cannot be read.
        """
        return self.read_inside(scene, window, views, without).part(window)

    def read_inside(
        self, scene: Scene, window: Window, views: Sequence[int] = (), without: Container[str] = ()
    ) -> Patch:
        """Return the pixels of a window inside the scene, for callers who use parts of it; see `read`."""
        inside, images, valids = scene.grid.clip(window), {}, {}
        inputs = {layer: bands for layer, bands in self.inputs.items() if layer not in without}
        for layer, parts in layers_read(inputs, scene, views, self.optional).items():
            found = [self._pixels(scene, *part, inside) for part in parts]
            images[layer] = found[0].values if len(found) == 1 else np.concatenate([part.values for part in found])
            valids[layer] = np.logical_and.reduce([part.valid for part in found])
        return Patch(inside, images, valids, self.optional)

    def _pixels(self, scene: Scene, layer: str, bands: list[str], window: Window) -> Pixels:
        return read_pixels(self.raster(scene.path(layer)), scene.band_indexes(layer, bands), window)

    def raster(self, path: Path) -> DatasetReader:
        """Return an open raster, which only this reader closes."""
        if (raster := self._open.pop(path, None)) is None:
            with reading(path):
                raster = rasterio.open(path)
        if len(self._open) == MOST_OPEN:
            self._open.pop(next(iter(self._open))).close()
        self._open[path] = raster  # the newest last
        return raster

    def close(self) -> None:
        """Close all rasters; they are opened again when they are read."""
        while self._open:
            self._open.popitem()[1].close()

"""Windows of scenes as a training reads them, and the statistics that normalise them; nothing is cut to files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import rasterio
from rasterio.windows import Window

from img2height.heights import inside_buildings
from img2height.io.rasters import read_heights, reading
from img2height.samples.normalise import Normalisation, fit_bands, fit_heights, fit_patches
from img2height.scenes.scene import Scene
from img2height.scenes.sources import VIEW_BAND
from img2height.vocabulary.layers import INITIAL, VIEWS, view_name
from img2height.vocabulary.quantities import BUILDINGS, QUANTITIES

MOST_OPEN = 256  # rasters a worker; systems commonly grant a process 1024 files
FIT_TILES = 256  # spread evenly over the training tiles, so that huge trainings start at once


@dataclass(frozen=True)
class Tile:
    """The pixels of one window.

    Attributes:
        images: by layer, C x H x W as stored; `views` are the views that were asked for.
        valids: by layer, H x W bool, where the image is known.
        heights_m: H x W float32, NaN where the reference is unknown.
        building: H x W uint8, 1 building, 0 none, 255 unknown; None where it was not asked for.
    """

    images: dict[str, np.ndarray]
    valids: dict[str, np.ndarray]
    heights_m: np.ndarray
    building: np.ndarray | None = None

    @property
    def known(self) -> np.ndarray:
        """Where images and reference height are known, H x W bool."""
        return self.seen & np.isfinite(self.heights_m)

    @property
    def seen(self) -> np.ndarray:
        """Where all images are known, H x W bool."""
        return np.logical_and.reduce(list(self.valids.values()))

    @property
    def initial_m(self) -> np.ndarray:
        """The known heights of the initial surface model, flat."""
        return self.images[INITIAL][0][self.valids[INITIAL]]


class TileReader:
    """Reads windows of scenes; keeps the rasters that were read last open, in each worker its own.

    Args:
        scenes: by (dataset, scene).
        inputs: bands by input layer.
        target: the quantity to learn.
        footprint: read the building mask too.
    """

    def __init__(
        self, scenes: dict[tuple[str, str], Scene], inputs: dict[str, list[str]], target: str, footprint: bool = False
    ):
        self.scenes = scenes
        self.inputs = inputs
        self.target = target
        self.footprint = footprint
        self._open: dict[Path, rasterio.DatasetReader] = {}

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_open": {}}  # open rasters do not cross a process border

    def read(self, row: Mapping[str, Any]) -> Tile:
        """Return the pixels of a row of a tile or sample table; `first` and `second` are the numbers of views."""
        here, window = self.scenes[row["dataset"], row["scene"]], window_of(row)
        images, valids = {}, {}
        with reading(here.folder):
            for layer, bands in self.inputs.items():
                parts = [self._read(here, *part, window) for part in _parts(layer, bands, row)]
                images[layer] = np.concatenate([image for image, _ in parts])  # C x H x W
                valids[layer] = np.logical_and.reduce([valid for _, valid in parts])  # H x W
            heights_m = read_heights(self._raster(here.path(QUANTITIES[self.target].learnt_from)), window)
            building = self._raster(here.path("building")).read(1, window=window) if self.footprint else None
            if self.target == BUILDINGS:
                heights_m = inside_buildings(heights_m, self._raster(here.path("building")).read(1, window=window))
            return Tile(images, valids, heights_m, building)

    def _read(self, scene: Scene, layer: str, bands: list[str], window: Window) -> tuple[np.ndarray, np.ndarray]:
        raster = self._raster(scene.path(layer))
        return raster.read(scene.band_indexes(layer, bands), window=window), raster.dataset_mask(window=window) > 0

    def _raster(self, path: Path) -> rasterio.DatasetReader:
        raster = self._open.pop(path) if path in self._open else rasterio.open(path)
        if len(self._open) == MOST_OPEN:
            self._open.pop(next(iter(self._open))).close()
        self._open[path] = raster  # the newest last
        return raster


def _parts(layer: str, bands: list[str], row: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the rasters of an input layer with the bands to read: views are one raster each."""
    return [(view_name(row[name]), [VIEW_BAND]) for name in bands] if layer == VIEWS else [(layer, bands)]


def window_of(row: Mapping[str, Any]) -> Window:
    """Return the pixel window of a row of a tile or sample table."""
    return Window(row["col_off"], row["row_off"], row["size_px"], row["size_px"])


def spread(table: pandas.DataFrame, count: int) -> pandas.DataFrame:
    """Return at most `count` rows, evenly spaced in the order of the table."""
    if len(table) <= count:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, count).round().astype(int)]


def fit_normalisation(
    tiles: pandas.DataFrame, reader: TileReader, height_mode: str, image_mode: str = "zscore"
) -> Normalisation:
    """Return the normalisation of images and heights over the training tiles.

    Args:
        tiles: the training tiles of one fold, and no others; with views, each with the training pairs of its scene.
        reader: reads their windows.
        height_mode: see `fit_heights`, or patch_centred.
        image_mode: see `fit_bands`.
    """
    read = [reader.read(row) for row in spread(tiles, FIT_TILES).to_dict("records")]
    image = {
        layer: fit_bands(
            [tile.images[layer] for tile in read], [tile.valids[layer] for tile in read], bands, image_mode
        )
        for layer, bands in reader.inputs.items()
        if layer not in (INITIAL, VIEWS)
    }
    if VIEWS in reader.inputs:
        image[VIEWS] = _fit_views(read, reader.inputs[VIEWS], image_mode)
    if height_mode == "patch_centred":
        return Normalisation(image, height_mode, 0.0, fit_patches([tile.initial_m for tile in read]), image_mode)
    offset_m, scale_m = fit_heights(np.concatenate([tile.heights_m[tile.known] for tile in read]), height_mode)
    return Normalisation(image, height_mode, offset_m, scale_m, image_mode)


def _fit_views(tiles: list[Tile], names: list[str], mode: str) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation that all views share, for any of them may be the first of a pair."""
    images = [np.concatenate(tile.images[VIEWS])[None] for tile in tiles]  # 1 x kH x W
    valids = [np.tile(tile.valids[VIEWS], (len(names), 1)) for tile in tiles]  # kH x W
    return dict.fromkeys(names, fit_bands(images, valids, [VIEWS], mode)[VIEWS])

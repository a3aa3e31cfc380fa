"""Samples as torch data: windows are read from the scenes when they are needed; nothing is cut to files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
import rasterio
import torch
from rasterio.windows import Window
from torch import Tensor
from torch.utils.data import Dataset

from img2height.rasters import read_heights, reading
from img2height.samples.augment import transform
from img2height.samples.normalise import Normalisation, fit_bands, fit_heights
from img2height.scenes.scene import Scene

FIT_TILES = 256  # spread evenly over the training tiles, so that huge trainings start at once


@dataclass(frozen=True)
class Tile:
    """The pixels of one window.

    Attributes:
        images: by layer, C x H x W as stored.
        valids: by layer, H x W bool, where the image is known.
        heights_m: H x W float32, NaN where the reference is unknown.
    """

    images: dict[str, np.ndarray]
    valids: dict[str, np.ndarray]
    heights_m: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Where image and reference are known, H x W bool."""
        return np.logical_and.reduce([np.isfinite(self.heights_m), *self.valids.values()])


class TileReader:
    """Reads windows of scenes; keeps the rasters open, in each worker its own.

    Args:
        scenes: by (dataset, scene).
        inputs: bands by input layer.
        target: the reference layer.
    """

    def __init__(self, scenes: dict[tuple[str, str], Scene], inputs: dict[str, list[str]], target: str):
        self.scenes = scenes
        self.inputs = inputs
        self.target = target
        self._open: dict[Path, rasterio.DatasetReader] = {}

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_open": {}}  # open rasters do not cross a process border

    def read(self, dataset: str, scene: str, window: Window) -> Tile:
        """Return the pixels of one window of one scene."""
        here = self.scenes[dataset, scene]
        images, valids = {}, {}
        with reading(here.folder):
            for layer, bands in self.inputs.items():
                raster = self._raster(here.path(layer))
                images[layer] = raster.read(here.band_indexes(layer, bands), window=window)  # C x H x W
                valids[layer] = raster.dataset_mask(window=window) > 0  # H x W
            return Tile(images, valids, read_heights(self._raster(here.path(self.target)), window))

    def _raster(self, path: Path) -> rasterio.DatasetReader:
        if path not in self._open:
            self._open[path] = rasterio.open(path)
        return self._open[path]


class SampleDataset(Dataset):
    """The rows of a sample table as normalised tensors.

    Args:
        table: dataset, scene, col_off, row_off, size_px, and for training samples `transform`.
        reader: reads their windows.
        normalisation: from the training tiles.
    """

    def __init__(self, table: pandas.DataFrame, reader: TileReader, normalisation: Normalisation):
        self.rows = table.to_dict("records")
        self.reader = reader
        self.normalisation = normalisation

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, n: int) -> dict[str, Tensor | dict[str, Tensor]]:
        """Return inputs by layer (C x H x W), height (1 x H x W, normalised) and valid (1 x H x W)."""
        row = self.rows[n]
        tile = self.reader.read(row["dataset"], row["scene"], window_of(row))
        symmetry = row.get("transform", 0)
        known = tile.known  # H x W
        heights = self.normalisation.normalise_heights(np.where(known, tile.heights_m, self.normalisation.offset_m))
        inputs = {
            layer: torch.from_numpy(transform(self.normalisation.apply(layer, image, tile.valids[layer]), symmetry))
            for layer, image in tile.images.items()
        }
        return {
            "inputs": inputs,
            "height": torch.from_numpy(transform(heights, symmetry))[None],
            "valid": torch.from_numpy(transform(known, symmetry))[None],
        }


def window_of(row: dict) -> Window:
    """Return the pixel window of a row of a tile or sample table."""
    return Window(row["col_off"], row["row_off"], row["size_px"], row["size_px"])


def spread(table: pandas.DataFrame, count: int) -> pandas.DataFrame:
    """Return at most `count` rows, evenly spaced in the order of the table."""
    if len(table) <= count:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, count).round().astype(int)]


def fit_normalisation(tiles: pandas.DataFrame, reader: TileReader, height_mode: str) -> Normalisation:
    """Return the normalisation of images and heights over the training tiles.

    Args:
        tiles: the training tiles of one fold, and no others.
        reader: reads their windows.
        height_mode: see `fit_heights`.
    """
    read = [
        reader.read(row["dataset"], row["scene"], window_of(row)) for row in spread(tiles, FIT_TILES).to_dict("records")
    ]
    image = {
        layer: fit_bands([tile.images[layer] for tile in read], [tile.valids[layer] for tile in read], bands)
        for layer, bands in reader.inputs.items()
    }
    offset_m, scale_m = fit_heights(np.concatenate([tile.heights_m[tile.known] for tile in read]), height_mode)
    return Normalisation(image, height_mode, offset_m, scale_m)

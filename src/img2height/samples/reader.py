"""Reads windows of scenes for a training, and fits the statistics that normalise them; nothing is cut to files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.heights import inside_buildings
from img2height.io.rasters import read_heights, reading
from img2height.io.tables import rows_of
from img2height.samples.inputs import InputReader, Patch
from img2height.samples.normalise import Normalisation, fit_bands, fit_heights, fit_patches
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import INITIAL, VIEWS
from img2height.vocabulary.outputs import CLASSES
from img2height.vocabulary.quantities import BUILDINGS, QUANTITIES

FIT_TILES = 256  # spread evenly over the training tiles, so that huge trainings start quickly


@dataclass(frozen=True)
class Tile(Patch):
    """The pixels of one window and its reference.

    Attributes:
        heights_m: H x W float32, NaN where the reference is missing.
        classes: the mask of each requested class of pixels, H x W uint8, 1 inside, 0 outside, 255 missing.
    """

    heights_m: np.ndarray
    classes: dict[str, np.ndarray]

    @property
    def learnable(self) -> np.ndarray:
        """Where images and reference height are valid, H x W bool."""
        return self.valid & np.isfinite(self.heights_m)

    @property
    def initial_m(self) -> np.ndarray:
        """The valid heights of the initial surface model, flat; none if the scene has no such model."""
        return self.images[INITIAL][0][self.valids[INITIAL]] if INITIAL in self.images else np.empty(0, np.float32)


class TileReader:
    """Reads windows of scenes with the quantity to learn.

    Args:
        scenes: by (dataset, scene).
        inputs: bands by input layer.
        target: the quantity to learn.
        classes: of pixels, see `CLASSES`, whose masks are read too.
        optional: inputs that a scene may lack.
        unused: optional inputs that are not read, even if a scene has them.
    """

    def __init__(
        self, scenes: dict[tuple[str, str], Scene], inputs: dict[str, list[str]], target: str,
        classes: Sequence[str] = (), optional: Sequence[str] = (), unused: Sequence[str] = (),
    ):  # fmt: skip
        self.scenes = scenes
        self.inputs = inputs
        self.target = target
        self.optional = optional
        self.classes = classes
        self.unused = unused
        self.rasters = InputReader(inputs, optional)

    def read(self, row: Mapping[str, Any]) -> Tile:
        """Return the pixels of a row of a tile or sample table.

        `first` and `second` are the numbers of views, 0 for none; `without` names the optional layers to leave out.
        """
        scene, window = self.scenes[row["dataset"], row["scene"]], window_of(row)
        views = [number for name in self.inputs.get(VIEWS, []) if (number := row[name])]
        patch = self.rasters.read(scene, window, views, [*row.get("without", "").split(), *self.unused])
        raster = self.rasters.raster(scene.path(QUANTITIES[self.target].learnt_from))
        with reading(raster.name):
            heights_m = read_heights(raster, window)
        if self.target == BUILDINGS:
            heights_m = inside_buildings(heights_m, self.mask(row, "building"))
        masks = {name: self.mask(row, CLASSES[name].layer) for name in self.classes}
        return Tile(patch.window, patch.images, patch.valids, patch.optional, heights_m, masks)

    def mask(self, row: Mapping[str, Any], layer: str) -> np.ndarray:
        """Return a mask layer in the window of a row, H x W uint8: 1, 0, 255 missing."""
        raster = self.rasters.raster(self.scenes[row["dataset"], row["scene"]].path(layer))
        with reading(raster.name):
            return raster.read(1, window=window_of(row))


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

    Optional layers without a valid pixel in these tiles get no statistics.

    Args:
        tiles: the training tiles of one fold, and no others; with views, each with the training pairs of its scene.
        reader: reads their windows.
        height_mode: see `fit_heights`, or patch_centred.
        image_mode: see `fit_bands`.

    Raises:
        DataError: a layer that is not optional has no valid pixel, or a band carries no information.
        TrainingError: the heights are constant, or there is none where the inputs are valid.
    """
    read = [reader.read(row) for row in rows_of(spread(tiles, FIT_TILES))]
    image = {}
    for layer, bands in reader.inputs.items():
        there = [tile for tile in read if layer in tile.images and tile.valids[layer].any()]
        if layer == INITIAL or (not there and layer in reader.optional):
            continue
        if not there:
            raise DataError(
                f"layer {layer} has no valid pixel in the training tiles; check its nodata value, or train where it is"
            )
        if layer == VIEWS:
            image[VIEWS] = _fit_views(there, bands, image_mode)
        else:
            valids = [tile.valids[layer] for tile in there]
            image[layer] = fit_bands([tile.images[layer] for tile in there], valids, bands, image_mode)
    if height_mode == "patch_centred":
        return Normalisation(image, height_mode, 0.0, fit_patches([tile.initial_m for tile in read]), image_mode)
    offset_m, scale_m = fit_heights(np.concatenate([tile.heights_m[tile.learnable] for tile in read]), height_mode)
    return Normalisation(image, height_mode, offset_m, scale_m, image_mode)


def _fit_views(tiles: list[Tile], names: list[str], mode: str) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation shared by all views, because any of them may be the first of a pair."""
    images = [np.concatenate(tile.images[VIEWS])[None] for tile in tiles]  # 1 x kH x W
    valids = [np.tile(tile.valids[VIEWS], (len(names), 1)) for tile in tiles]  # kH x W
    return dict.fromkeys(names, fit_bands(images, valids, [VIEWS], mode)[VIEWS])

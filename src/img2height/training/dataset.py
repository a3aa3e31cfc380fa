"""The rows of a sample table as a torch dataset."""

from typing import TypedDict

import numpy as np
import pandas
import torch
from torch import Tensor
from torch.utils.data import Dataset

from img2height.io.tables import rows_of
from img2height.samples.augment import recolour, transform
from img2height.samples.normalise import Normalisation
from img2height.samples.reader import TileReader
from img2height.vocabulary.layers import MISSING, PRESENT


class Batch(TypedDict):
    """One sample, or the samples of a batch with one more dimension in front.

    Attributes:
        inputs: normalised, by layer, C x H x W float32; NaN where an optional layer is missing.
        height: normalised reference, 1 x H x W float32.
        valid: where the reference may be learned, 1 x H x W bool.
        classes: reference mask of each class of pixels that the method predicts, 1 x H x W bool.
        mapped: where each is valid, 1 x H x W bool.
        offset_m: metres at the normalised height 0, 1 x 1 x 1 float32.
        scale_m: metres per normalised unit, 1 x 1 x 1 float32.
    """

    inputs: dict[str, Tensor]
    height: Tensor
    valid: Tensor
    classes: dict[str, Tensor]
    mapped: dict[str, Tensor]
    offset_m: Tensor
    scale_m: Tensor


class SampleDataset(Dataset[Batch]):
    """The rows of a sample table as normalised tensors.

    Args:
        table: dataset, scene, col_off, row_off, size_px, and for training samples `transform`.
        reader: reads the windows.
        normalisation: from the training tiles.
    """

    def __init__(self, table: pandas.DataFrame, reader: TileReader, normalisation: Normalisation):
        self.rows = rows_of(table)
        self.reader = reader
        self.normalisation = normalisation

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, n: int) -> Batch:
        """Return one sample."""
        row = self.rows[n]
        tile = self.reader.read(row)
        images = {layer: recolour(image, self.reader.inputs[layer], row) for layer, image in tile.images.items()}
        inputs, offset_m = self.normalisation.normalise_patch(images, tile.valids, tile.optional)
        for layer in tile.optional:  # a batch has all layers
            size = len(self.reader.inputs[layer]), *tile.valid.shape
            inputs.setdefault(layer, np.full(size, np.nan, np.float32))
        learnable = tile.learnable  # H x W
        offset_m, scale_m = self.normalisation.height_range(tile.heights_m[learnable], offset_m)
        heights_m = np.where(learnable, tile.heights_m, offset_m)
        symmetry = row.get("transform", 0)

        def turned(raster: np.ndarray) -> Tensor:
            return torch.from_numpy(transform(raster, symmetry))

        return {
            "inputs": {layer: turned(image) for layer, image in inputs.items()},
            "height": turned(self.normalisation.normalise_heights(heights_m, offset_m, scale_m))[None],
            "valid": turned(learnable)[None],
            "offset_m": torch.full((1, 1, 1), offset_m),
            "scale_m": torch.full((1, 1, 1), scale_m),
            "classes": {name: turned(mask == PRESENT)[None] for name, mask in tile.classes.items()},
            "mapped": {name: turned(tile.valid & (mask != MISSING))[None] for name, mask in tile.classes.items()},
        }

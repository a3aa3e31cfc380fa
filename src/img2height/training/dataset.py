"""The rows of a sample table as a torch dataset."""

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


class SampleDataset(Dataset):
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

    def __getitem__(self, n: int) -> dict[str, Tensor | dict[str, Tensor]]:
        """Return inputs by layer (C x H x W), height and valid (1 x H x W), and the height range in metres.

        With footprints also `building` and where it is `mapped`, 1 x H x W bool.
        """
        row = self.rows[n]
        tile = self.reader.read(row)
        images = {layer: recolour(image, self.reader.inputs[layer], row) for layer, image in tile.images.items()}
        inputs, offset_m = self.normalisation.normalise_patch(images, tile.valids)
        learnable = tile.learnable  # H x W
        offset_m, scale_m = self.normalisation.height_range(tile.heights_m[learnable], offset_m)
        heights_m = np.where(learnable, tile.heights_m, offset_m)
        rasters = {"height": self.normalisation.normalise_heights(heights_m, offset_m, scale_m), "valid": learnable}
        if tile.building is not None:
            rasters["building"] = tile.building == PRESENT
            rasters["mapped"] = tile.valid & (tile.building != MISSING)
        symmetry = row.get("transform", 0)
        return {
            "inputs": {layer: torch.from_numpy(transform(image, symmetry)) for layer, image in inputs.items()},
            **{name: torch.from_numpy(transform(raster, symmetry))[None] for name, raster in rasters.items()},
            "offset_m": torch.full((1, 1, 1), offset_m),
            "scale_m": torch.full((1, 1, 1), scale_m),
        }

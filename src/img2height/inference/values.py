"""Compares the values of images with those that a model was trained on."""

import logging
from collections.abc import Sequence

import numpy as np

from img2height.errors import DataError
from img2height.inference.inputs import ModelInputs
from img2height.samples.normalise import BYTE

logger = logging.getLogger(__name__)

WINDOWS = 16
MOST_PX = 512  # side of what is looked at of a window: 16 windows of 8192 px would not fit into memory
# Mean and standard deviation of normalised training values, by `Normalisation.image_mode`.
TRAINED = {"zscore": (0.0, 1.0), "imagenet": (0.0, 1.0), "unit": (0.5, 0.25), "tanh": (0.0, 0.5)}
FAR, RATIO = 3.0, 4.0  # standard deviations between the means; ratio of the deviations, either way


def check_values(images: ModelInputs, corners: Sequence[tuple[int, int]], size_px: int) -> None:
    """Log a warning for each band whose values are far from those of the training.

    Args:
        images: the inputs of a model in a scene.
        corners: row and column of the windows to look at.
        size_px: side of the windows.

    Raises:
        DataError: all valid pixels of an image are 0.
    """
    if not corners:  # a fold without a test area in this scene
        return
    patches = [images.patch(row, column, min(size_px, MOST_PX)) for row, column in corners]
    centre, spread = TRAINED[images.normalisation.image_mode]
    for layer, bands in images.normalisation.image.items():
        if not patches or layer not in patches[0].images:
            continue
        values = np.concatenate([patch.images[layer][:, patch.valids[layer]] for patch in patches], axis=1)  # C x N
        if values.size and not values.any():
            _require_contents(images, layer)
        for (band, (offset, divisor)), found in zip(bands.items(), values, strict=True):
            if not found.size or (offset, divisor) == (0.0, BYTE):  # the range of bytes, whatever the training had
                continue
            mean, deviation = float(found.mean(dtype=np.float64)), float(found.std(dtype=np.float64))
            trained, usual = offset + centre * divisor, spread * divisor
            if abs(mean - trained) > FAR * usual or not usual / RATIO < deviation < usual * RATIO:
                logger.warning(
                    "%s, band %s of %s: its mean is %.4g and its standard deviation %.3g, but the model was trained on "
                    "about %.4g and %.3g; heights may be wrong: check that the image is scaled as in training",
                    images.scene.name, band, layer, mean, deviation, trained, usual,
                )  # fmt: skip


def _require_contents(images: ModelInputs, layer: str) -> None:
    """Raise a DataError if all valid pixels of a layer are 0 in all bands."""
    for block in images.scene.grid.blocks():
        patch = images.rows(block)
        if patch.images[layer][:, patch.valids[layer]].any():
            return
    raise DataError(
        f"{images.scene.name}: all valid pixels of {layer} are 0, so there is nothing to predict from; check the file"
    )

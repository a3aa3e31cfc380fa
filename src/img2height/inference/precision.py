"""Checks that a prediction in bfloat16 agrees with float32 within a tolerance."""

import logging
from collections.abc import Sequence

import numpy as np

from img2height.errors import ModelError
from img2height.inference.inputs import ModelInputs
from img2height.inference.network import Network
from img2height.io.rasters import Band
from img2height.vocabulary.quantities import RELATIVE

logger = logging.getLogger(__name__)

WINDOWS = 8
TOLERANCE = 0.01  # mean absolute difference in metres, or of a probability
RELATIVE_TOLERANCE = 0.001  # of relative heights, which range from 0 to 1


def check_bfloat16(
    networks: tuple[Network, Network], bands: Sequence[Band], images: ModelInputs, corners: Sequence[tuple[int, int]],
    size_px: int,
) -> None:  # fmt: skip
    """Predict some windows in both precisions, and raise an error if they differ too much.

    Args:
        networks: of one model, in float32 and in bfloat16.
        bands: what it predicts.
        images: its inputs.
        corners: row and column of the windows to compare.
        size_px: side of the windows.

    Raises:
        ModelError: the valid pixels of a band differ by more than the tolerance on average.
    """
    sums, count = np.zeros(len(bands)), 0
    for row, column in corners:
        window = images.read(row, column, size_px)
        values, rounded = (network.predict([window])[0][:, window.valid] for network in networks)  # bands x N
        sums += np.abs(values - rounded).sum(axis=1)
        count += values.shape[1]
    if not count:
        return
    for band, found in zip(bands, sums / count, strict=True):
        limit = RELATIVE_TOLERANCE if band.description == RELATIVE else TOLERANCE
        finding = f"{band.description} in bfloat16 differs from float32 by {found:.3g} {band.unit} on average"
        if found > limit:
            raise ModelError(f"{finding}, more than {limit:g}: this model needs higher precision; use float32")
        logger.info("%s, in %d windows", finding, len(corners))

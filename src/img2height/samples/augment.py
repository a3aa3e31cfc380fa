"""Applies to the pixels of a sample the symmetry and colour changes named in its row of the sample table."""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from img2height.settings.symmetries import MIRROR


def transform(array: np.ndarray, symmetry: int) -> np.ndarray:
    """Return the array mirrored if `symmetry >= 4`, then rotated by `symmetry % 4` quarter turns.

    Args:
        array: ... x N x N.
        symmetry: 0 to 7; 0 changes nothing.
    """
    mirrored = np.flip(array, axis=-1) if symmetry >= MIRROR else array
    return np.ascontiguousarray(np.rot90(mirrored, symmetry % 4, axes=(-2, -1)))


COLOURS = ("red", "green", "blue")
CHANNEL_ORDERS = list(permutations(range(3)))  # the first changes nothing


def recolour(image: np.ndarray, bands: Sequence[str], row: Mapping[str, Any]) -> np.ndarray:
    """Return an image with permuted colours, or with their mean in all of them, if the row says so.

    Args:
        image: C x H x W as stored; an image without red, green and blue stays unchanged.
        bands: names of its C bands.
        row: `channels` is a number of `CHANNEL_ORDERS`, `gray` is true for the mean; both may be absent.
    """
    channels, gray = row.get("channels", 0), row.get("gray", False)
    if not (channels or gray) or not set(COLOURS) <= set(bands):
        return image
    places = [list(bands).index(colour) for colour in COLOURS]
    colours = image[places][list(CHANNEL_ORDERS[channels])]  # 3 x H x W
    changed = image.astype(np.float32)
    changed[places] = colours.mean(axis=0) if gray else colours
    return changed

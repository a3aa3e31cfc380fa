"""The eight symmetries of the square, as numbers that a sample table can hold."""

import numpy as np

from img2height.samples.symmetries import MIRROR


def transform(array: np.ndarray, symmetry: int) -> np.ndarray:
    """Return the array turned by `symmetry % 4` quarter turns, mirrored first where `symmetry >= 4`.

    Args:
        array: ... x N x N.
        symmetry: 0 to 7; 0 changes nothing.
    """
    mirrored = np.flip(array, axis=-1) if symmetry >= MIRROR else array
    return np.ascontiguousarray(np.rot90(mirrored, symmetry % 4, axes=(-2, -1)))

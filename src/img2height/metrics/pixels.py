"""Which pixels count: unknown references never, missing predictions as missing and not as an error of zero."""

import numpy as np

from img2height.errors import DataError
from img2height.scenes.heights import known


def under_mask(pixels: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    """Return the pixels (bool) that also lie under the mask (bool, same shape); None is everywhere."""
    if valid is None:
        return pixels
    same_shape("the mask", valid, pixels)
    return pixels & np.asarray(valid, dtype=bool)


def scored_pixels(
    prediction: np.ndarray, reference: np.ndarray, valid: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return prediction and reference where both are known, N float64 metres each, and how many references count.

    Args:
        prediction: heights in metres, NaN or -9999 where missing.
        reference: heights in metres, NaN or -9999 where unknown, same shape.
        valid: bool, same shape; false pixels are left out.

    Raises:
        DataError: the shapes differ.
    """
    prediction, reference = np.asarray(prediction), np.asarray(reference)
    same_shape("the prediction", prediction, reference)
    counts = under_mask(known(reference), valid)
    scored = counts & known(prediction)
    return prediction[scored].astype(np.float64), reference[scored].astype(np.float64), int(counts.sum())


def same_shape(what: str, array: np.ndarray, reference: np.ndarray) -> None:
    """Raise a DataError unless an array has the shape of the reference."""
    if np.shape(array) != np.shape(reference):
        raise DataError(
            f"{what} has the shape {np.shape(array)}, the reference {np.shape(reference)}; bring both to one grid"
        )

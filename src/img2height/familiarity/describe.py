"""The look of a tile in numbers: level, contrast and texture of each band, and how bands vary together."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

STATISTICS = ("mean", "contrast", "low end", "high end", "texture", "sharpness")
RATIOS = ("contrast", "texture", "sharpness")  # positive, and alike if their ratio is near 1
ENDS = (2, 98)  # per cent
LEAST_SHARE = 0.25  # of the pixels of a tile: fewer describe it badly


def names_of(bands: Sequence[str]) -> list[tuple[str, str]]:
    """Return statistic and band, or bands, of each number of `describe`."""
    own = [(statistic, band) for band in bands for statistic in STATISTICS]
    return own + [("correlation", f"{one} and {other}") for one, other in combinations(bands, 2)]


def describe(image: np.ndarray, valid: np.ndarray) -> np.ndarray | None:
    """Return the numbers of a tile, N float64, in the order of `names_of`; None if too few pixels are valid.

    Texture is the mean absolute difference of neighbours, sharpness that of a pixel and the mean of its four neighbours
    (times four), which blur lowers more. Only valid pixels count.

    Args:
        image: C x H x W, any real type.
        valid: H x W bool.
    """
    if valid.mean() < LEAST_SHARE:
        return None
    pixels = image[:, valid].astype(np.float64)  # C x P
    level, contrast = pixels.mean(axis=1), pixels.std(axis=1)
    low, high = np.percentile(pixels, ENDS, axis=1)
    found = np.stack([level, contrast, low, high, *_texture(image.astype(np.float64), valid)], axis=1)  # C x 6
    return np.concatenate([found.ravel(), _correlations(pixels - level[:, None], contrast)])


def _texture(image: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return texture and sharpness of each band, C each; 0 without a valid pixel whose neighbours are valid.

    Args:
        image: C x H x W float64.
        valid: H x W bool.
    """
    down = _mean(np.abs(np.diff(image, axis=1)), valid[1:] & valid[:-1])
    across = _mean(np.abs(np.diff(image, axis=2)), valid[:, 1:] & valid[:, :-1])
    row, column = np.s_[..., 1:-1, :], np.s_[..., 1:-1]
    around = image[row][..., 2:] + image[row][..., :-2] + image[column][:, 2:] + image[column][:, :-2]
    inside = valid[row][:, 2:] & valid[row][:, :-2] & valid[column][2:] & valid[column][:-2] & valid[row][column]
    return (down + across) / 2, _mean(np.abs(around - 4 * image[row][column]), inside)


def _mean(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the mean of each band where it is valid, 0 if it is nowhere; the same with and without a copy."""
    if where.all() and where.size:
        return values.reshape(len(values), -1).mean(axis=1)
    return values[:, where].mean(axis=1) if where.any() else np.zeros(len(values))


def _correlations(centred: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Return the correlation of each pair of bands; 0 if one is constant.

    Args:
        centred: C x P float64, of mean 0.
        contrast: C float64, their standard deviations.
    """
    pairs = np.array(list(combinations(range(len(centred)), 2)), np.int64).reshape(-1, 2)
    covariance = (centred @ centred.T / centred.shape[1])[pairs[:, 0], pairs[:, 1]]
    scale = contrast[pairs[:, 0]] * contrast[pairs[:, 1]]
    return np.divide(covariance, scale, out=np.zeros(len(pairs)), where=scale > 0)

"""Structural similarity of height maps."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import minimum_filter

from img2height.errors import DataError
from img2height.metrics.pixels import same_shape, under_mask
from img2height.scenes.heights import known

WINDOW_PX = 11
SIGMA_PX = 1.5
K1, K2 = 0.01, 0.03
MARGIN_PX = WINDOW_PX // 2
STRIP_PX = 32
_TAPS = np.exp(-0.5 * ((np.arange(WINDOW_PX) - MARGIN_PX) / SIGMA_PX) ** 2)
_BAND = np.stack([np.roll(np.pad(_TAPS / _TAPS.sum(), (0, STRIP_PX - 1)), k) for k in range(STRIP_PX)], axis=1)


def ssim(prediction: np.ndarray, reference: np.ndarray, valid: np.ndarray | None, data_range_m: float) -> float | None:
    """Return the mean structural similarity over windows without an unknown pixel, or None if there is none.

    Gaussian window of 11 x 11 pixels, sigma 1.5, K1 0.01, K2 0.03. Source: Wang et al. (2004),
    https://doi.org/10.1109/TIP.2003.819861

    Args:
        prediction: HxW heights in metres, NaN or -9999 where missing.
        reference: HxW heights in metres, NaN or -9999 where unknown.
        valid: HxW bool, None is everywhere.
        data_range_m: one range for all methods and tiles, in metres; a range of each image would hide its scale.

    Raises:
        DataError: the shapes differ, or the range is not positive.
    """
    same_shape("the prediction", prediction, reference)
    if not data_range_m > 0:
        raise DataError(f"data_range_m is {data_range_m}; it must be above 0 m")
    usable = under_mask(known(reference) & known(prediction), valid)
    if min(usable.shape) < WINDOW_PX:
        return None
    whole = usable if usable.all() else minimum_filter(usable, WINDOW_PX)
    whole = whole[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
    if not whole.any():
        return None
    x, y = (np.where(usable, image, 0).astype(np.float64) for image in (prediction, reference))
    return float(_similarity(x, y, data_range_m)[whole].mean())


def _similarity(x: np.ndarray, y: np.ndarray, data_range_m: float) -> np.ndarray:
    """Return the similarity of each window of two HxW images, (H - 10) x (W - 10) float64."""
    mean_x, mean_y, mean_product, mean_squares = _smooth(np.stack([x, y, x * y, x * x + y * y]))
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance, variances = mean_product - product, mean_squares - squares
    c1, c2 = (K1 * data_range_m) ** 2, (K2 * data_range_m) ** 2
    return (2 * product + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))


def _smooth(images: np.ndarray) -> np.ndarray:
    """Return the Gaussian mean of each window of N x H x W images, N x (H - 10) x (W - 10) float64."""
    return _filter_columns(_filter_columns(images))


def _filter_columns(images: np.ndarray) -> np.ndarray:
    """Return the Gaussian means along the columns of N x H x W images, transposed: N x W x (H - 10).

    As products with a band matrix, strip by strip: several times faster than a filter of eleven taps.
    """
    number, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, -(height - WINDOW_PX + 1) % STRIP_PX), (0, 0)))
    strips = sliding_window_view(padded, len(_BAND), axis=1)[:, ::STRIP_PX]  # N x K x W x 42
    filtered = np.moveaxis(strips @ _BAND, 1, 2).reshape(number, width, -1)
    return filtered[..., : height - WINDOW_PX + 1]

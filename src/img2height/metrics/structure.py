"""Structural similarity of height maps."""

import numpy as np

from img2height.errors import DataError
from img2height.heights import is_valid, same_shape, under_mask

WINDOW_PX = 11
SIGMA_PX = 1.5
K1, K2 = 0.01, 0.03
_TAPS = np.exp(-0.5 * ((np.arange(WINDOW_PX) - WINDOW_PX // 2) / SIGMA_PX) ** 2)
_TAPS /= _TAPS.sum()


def ssim(prediction: np.ndarray, reference: np.ndarray, valid: np.ndarray | None, data_range_m: float) -> float | None:
    """Return the mean structural similarity over windows without missing pixels, or None if there are none.

    Gaussian window of 11 x 11 pixels, sigma 1.5, K1 0.01, K2 0.03. Source: Wang et al. (2004),
    https://doi.org/10.1109/TIP.2003.819861

    Args:
        prediction: HxW heights in metres, NaN or -9999 where missing.
        reference: HxW heights in metres, NaN or -9999 where missing.
        valid: HxW bool, None is everywhere.
        data_range_m: one range for all methods and tiles, in metres; a range per image would hide differences in scale.

    Raises:
        DataError: the shapes differ, or the range is not positive.
    """
    same_shape("the prediction", prediction, reference)
    if not data_range_m > 0:
        raise DataError(f"data_range_m is {data_range_m}; it must be above 0 m")
    usable = under_mask(is_valid(reference) & is_valid(prediction), valid)
    x, y = (np.where(usable, np.asarray(image, np.float64), np.nan) for image in (prediction, reference))
    found = tile_ssim(x, y, max(x.shape), np.ones(1, bool), data_range_m)[0]
    return None if np.isnan(found) else float(found)


def tile_ssim(
    predicted: np.ndarray, truth: np.ndarray, tile_px: int, wanted: np.ndarray, data_range_m: float
) -> np.ndarray:
    """Return the `ssim` of the tiles of a block, T float64, NaN for tiles without a window free of missing pixels.

    Args:
        predicted: HxW float heights in metres, NaN where missing.
        truth: HxW float heights in metres, NaN where missing.
        tile_px: side of the tiles, which are numbered row by row.
        wanted: T bool, the others are NaN.
        data_range_m: see `ssim`.
    """
    from img2height.metrics.kernels.similarity import mean_similarities  # slow to import

    c1, c2 = (K1 * data_range_m) ** 2, (K2 * data_range_m) ** 2
    return mean_similarities(predicted, truth, tile_px, wanted, _TAPS, c1, c2)

"""Structural similarity of height maps."""

import numpy as np
from scipy.ndimage import binary_erosion
from skimage.metrics import structural_similarity

from img2height.errors import DataError
from img2height.metrics.pixels import same_shape, under_mask
from img2height.scenes.heights import known

WINDOW_PX = 11
SIGMA_PX = 1.5


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
    whole = binary_erosion(usable, np.ones((WINDOW_PX, WINDOW_PX)))
    if not whole.any():
        return None
    images = [np.where(usable, image, 0).astype(np.float64) for image in (prediction, reference)]
    _, similarity = structural_similarity(
        *images, data_range=data_range_m, gaussian_weights=True, sigma=SIGMA_PX, use_sample_covariance=False, full=True
    )
    return float(similarity[whole].mean())

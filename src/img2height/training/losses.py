"""Losses over valid pixels: values at missing pixels change neither the loss nor its gradient.

Heights are B x 1 x H x W, a class of pixels has logits of all other pixels and of the class, B x 2 x H x W. A batch
without valid pixels has the loss 0.
"""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from img2height.errors import TrainingError
from img2height.vocabulary.score import SILOG_LAMBDA

MaskedLoss = Callable[[Tensor, Tensor, Tensor], Tensor]

SSIM_WINDOW_PX = 11
SSIM_SIGMA_PX = 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2  # for heights between 0 and 1
DICE_EPS = 1.0


def masked_l1(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Return the mean absolute difference over the valid pixels.

    Args:
        prediction: B x 1 x H x W.
        target: B x 1 x H x W; any value, even NaN, where it is missing.
        valid: B x 1 x H x W bool.
    """
    return _mean(_difference(prediction, target, valid).abs(), valid)


def masked_l2(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Return the mean squared difference over the valid pixels; arguments as in `masked_l1`."""
    return _mean(_difference(prediction, target, valid).square(), valid)


def masked_smooth_l1(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Return the mean over the valid pixels of half the square up to 1, linear beyond; arguments as in `masked_l1`."""
    heights = (_zero_missing(prediction, valid), _zero_missing(target, valid))
    return functional.smooth_l1_loss(*heights, reduction="sum") / valid.sum().clamp(min=1)


def masked_silog(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Return the scale-invariant error of log(h + 1), the mean over the images that have valid pixels.

    Below 0 m the logarithm continues as its mirror image: it is defined for all heights and has a gradient everywhere.
    Source: Eigen, Puhrsch and Fergus (2014), https://arxiv.org/abs/1406.2283, eq. 4, on h + 1 because terrain is 0 m.

    Args:
        prediction: B x 1 x H x W, metres above the ground (`normalisation.height: metre`).
        target: B x 1 x H x W, the same.
        valid: B x 1 x H x W bool.
    """
    difference = _signed_log(_zero_missing(prediction, valid)) - _signed_log(_zero_missing(target, valid))
    pixels = valid.sum(dim=(1, 2, 3))  # B
    count = pixels.clamp(min=1)
    square, mean = difference.square().sum(dim=(1, 2, 3)) / count, difference.sum(dim=(1, 2, 3)) / count  # B
    return (square - SILOG_LAMBDA * mean.square()).sum() / (pixels > 0).sum().clamp(min=1)


def masked_gradient(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Return the mean absolute forward difference of the error along rows plus that along columns.

    Only differences between two valid pixels count; arguments as in `masked_l1`. Source: Alhashim and Wonka (2018),
    https://arxiv.org/abs/1812.11941, eq. 3.
    """
    error = _difference(prediction, target, valid)
    terms = []
    for axis in (-1, -2):
        last = error.shape[axis] - 1
        pair = valid.narrow(axis, 1, last) & valid.narrow(axis, 0, last)
        terms.append(_mean(_zero_missing(error.diff(dim=axis), pair).abs(), pair))
    return terms[0] + terms[1]


def masked_ssim(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Return (1 - SSIM) / 2 over the Gaussian windows of 11 x 11 pixels (sigma 1.5) without missing pixels.

    The windows are sums of shifted images: a convolution would run in half precision or TF32 if the training does,
    and a variance is a small difference of large numbers. Source: Wang et al. (2004),
    https://doi.org/10.1109/TIP.2003.819861

    Args:
        prediction: B x 1 x H x W, normalised to a range of 1 (`normalisation.height: minmax`).
        target: B x 1 x H x W, the same.
        valid: B x 1 x H x W bool.

    Raises:
        TrainingError: the tiles are smaller than a window.
    """
    if min(valid.shape[-2:]) < SSIM_WINDOW_PX:
        raise TrainingError(
            f"the loss ssim needs windows of {SSIM_WINDOW_PX} px, but the tiles have {tuple(valid.shape[-2:])}; "
            "set a larger tiling.tile_px, or leave ssim out of the method's loss"
        )
    x, y = _zero_missing(prediction, valid), _zero_missing(target, valid)
    whole = functional.max_pool2d((~valid).float(), SSIM_WINDOW_PX, stride=1) == 0  # B x 1 x (H - 10) x (W - 10)
    mean_x, mean_y, xx, yy, xy = (_window_mean(image) for image in (x, y, x * x, y * y, x * y))
    luminance = (2 * mean_x * mean_y + SSIM_C1) / (mean_x**2 + mean_y**2 + SSIM_C1)
    structure = (2 * (xy - mean_x * mean_y) + SSIM_C2) / (xx - mean_x**2 + yy - mean_y**2 + SSIM_C2)
    return _mean(_zero_missing((1 - luminance * structure) / 2, whole), whole).clamp(0, 1)


def masked_cross_entropy(logits: Tensor, reference: Tensor, valid: Tensor) -> Tensor:
    """Return the mean cross entropy of a class of pixels over the valid pixels.

    Args:
        logits: B x 2 x H x W, of all other pixels and of the class.
        reference: B x 1 x H x W bool or 0 and 1; any value where it is missing.
        valid: B x 1 x H x W bool.
    """
    classes = _zero_missing(reference, valid)[:, 0].long()  # B x H x W
    entropy = functional.cross_entropy(_zero_missing(logits, valid), classes, reduction="none")  # B x H x W
    return _mean(_zero_missing(entropy, valid[:, 0]), valid)


def masked_dice(logits: Tensor, reference: Tensor, valid: Tensor) -> Tensor:
    """Return 1 - Dice of the probability of a class of pixels over all valid pixels of the batch.

    Arguments as in `masked_cross_entropy`. Source: Milletari, Navab and Ahmadi (2016), https://arxiv.org/abs/1606.04797
    (here without the squares), with 1 added above and below, so that batches without such pixels have a loss.
    """
    probability = _zero_missing(_zero_missing(logits, valid).softmax(dim=1)[:, 1:], valid)  # B x 1 x H x W
    present = _zero_missing(reference, valid).float()
    overlap = (probability * present).sum()
    return 1 - (2 * overlap + DICE_EPS) / (probability.sum() + present.sum() + DICE_EPS)


def _zero_missing(values: Tensor, valid: Tensor) -> Tensor:
    """Return the values, exactly 0 (and without a gradient) where they are missing."""
    return torch.where(valid, values, torch.zeros((), dtype=values.dtype, device=values.device))


def _difference(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return _zero_missing(prediction, valid) - _zero_missing(target, valid)


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    """Return the mean over the valid pixels of values that are 0 elsewhere; 0 without valid pixels."""
    return values.sum() / valid.sum().clamp(min=1)


def _signed_log(heights_m: Tensor) -> Tensor:
    """Return log(h + 1), below 0 its mirror image; the gradient at 0 is 1."""
    return heights_m.clamp(min=0).log1p() - functional.relu(-heights_m).log1p()


def _window_mean(images: Tensor) -> Tensor:
    """Return the Gaussian mean of each complete window, B x 1 x (H - 10) x (W - 10)."""
    middle = SSIM_WINDOW_PX // 2
    weights = [math.exp(-(((i - middle) / SSIM_SIGMA_PX) ** 2) / 2) for i in range(SSIM_WINDOW_PX)]
    for axis in (-1, -2):
        count = images.shape[axis] - SSIM_WINDOW_PX + 1
        shifted = (w / sum(weights) * images.narrow(axis, i, count) for i, w in enumerate(weights))
        images = functools.reduce(torch.add, shifted)
    return images


LOSSES: dict[str, MaskedLoss] = {
    "l1": masked_l1,
    "l2": masked_l2,
    "smooth_l1": masked_smooth_l1,
    "silog": masked_silog,
    "gradient": masked_gradient,
    "ssim": masked_ssim,
}
CLASS_LOSSES: dict[str, MaskedLoss] = {"cross_entropy": masked_cross_entropy, "dice": masked_dice}

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torchmetrics.functional.image import structural_similarity_index_measure

import img2height.torchvision_ops  # noqa: F401 - torchmetrics needs it
from img2height.errors import DataError
from img2height.metrics import ssim

RNG = np.random.default_rng([3])
REFERENCE = gaussian_filter(RNG.uniform(0, 60, (48, 40)), 2)
PREDICTION = REFERENCE + RNG.normal(0, 2, REFERENCE.shape)


def test_equal_maps_have_a_similarity_of_one():
    assert ssim(REFERENCE, REFERENCE, None, 30.0) == pytest.approx(1.0)


def window_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Return the similarity of one window of 11 x 11 pixels, by its formula."""
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    weights = np.outer(taps, taps) / taps.sum() ** 2
    mx, my = (weights * x).sum(), (weights * y).sum()
    vx, vy, c = (weights * x * x).sum() - mx**2, (weights * y * y).sum() - my**2, (weights * x * y).sum() - mx * my
    c1, c2 = (0.01 * 30) ** 2, (0.03 * 30) ** 2
    return (2 * mx * my + c1) * (2 * c + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))


def test_one_window_by_its_formula():
    x, y = PREDICTION[:11, :11], REFERENCE[:11, :11]
    assert ssim(x, y, None, 30.0) == pytest.approx(window_ssim(x, y))


@pytest.mark.parametrize("shape", [(11, 12), (12, 11), (22, 40), (23, 37)])
def test_every_window_without_missing_pixels_counts_once(shape):
    x, y = (image[: shape[0], : shape[1]].copy() for image in (PREDICTION, REFERENCE))
    x[-1, 0], y[0, -1] = np.nan, -9999
    if shape[0] > 20:
        y[11, 20] = np.nan
    gaps = np.isnan(x) | np.isnan(y) | (y == -9999)
    corners = [(row, column) for row in range(shape[0] - 10) for column in range(shape[1] - 10)]
    windows = [np.s_[row : row + 11, column : column + 11] for row, column in corners]
    found = [window_ssim(x[here], y[here]) for here in windows if not gaps[here].any()]
    assert 0 < len(found) < len(windows) or shape[0] < 20
    assert ssim(x, y, None, 30.0) == (pytest.approx(np.mean(found), abs=1e-12) if found else None)


def test_cross_check_with_torchmetrics():
    pair = [torch.from_numpy(image)[None, None] for image in (PREDICTION, REFERENCE)]
    _, full = structural_similarity_index_measure(*pair, data_range=30.0, return_full_image=True)
    whole = full[0, 0, 5:-5, 5:-5]  # it pads the image; we take windows that lie inside
    assert ssim(PREDICTION, REFERENCE, None, 30.0) == pytest.approx(float(whole.mean()), abs=1e-6)


def test_windows_with_missing_pixels_are_left_out():
    valid = np.ones(REFERENCE.shape, bool)
    valid[:, :20] = False
    expected = ssim(PREDICTION[:, 20:], REFERENCE[:, 20:], None, 30.0)
    for hidden in (-9999.0, np.nan, 1e6):
        spoilt = np.where(valid, PREDICTION, hidden)
        assert ssim(spoilt, REFERENCE, valid, 30.0) == pytest.approx(expected, rel=1e-12)
    assert ssim(np.where(valid, PREDICTION, np.nan), REFERENCE, None, 30.0) == pytest.approx(expected, rel=1e-12)


def test_no_complete_window_gives_none():
    assert ssim(PREDICTION[:10], REFERENCE[:10], None, 30.0) is None
    assert ssim(PREDICTION, REFERENCE, np.zeros(REFERENCE.shape, bool), 30.0) is None


def test_range_must_be_positive():
    with pytest.raises(DataError, match="data_range_m"):
        ssim(PREDICTION, REFERENCE, None, 0.0)

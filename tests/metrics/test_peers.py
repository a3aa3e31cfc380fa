"""The strict scores against torchmetrics, scikit-image and scipy, on random arrays with missing pixels."""

import numpy as np
import pytest
import torch
from scipy.stats import median_abs_deviation
from skimage.metrics import mean_squared_error, structural_similarity
from torchmetrics import functional

import img2height.torchvision_ops  # noqa: F401 - torchmetrics needs it
from img2height import metrics
from img2height.metrics import ConfusionStatistics, ErrorStatistics

MIN_HEIGHT_M = 1.0


@pytest.fixture(params=range(3))
def heights(request):
    """Prediction, reference, and the pixels that are valid in both and counted by the mask."""
    rng = np.random.default_rng([20, request.param])
    reference = np.maximum(rng.normal(5, 8, (70, 90)), 0).astype(np.float32)
    prediction = (reference * rng.uniform(0.8, 1.3) + rng.normal(0, 2, reference.shape)).astype(np.float32)
    reference[rng.random(reference.shape) < 0.1] = np.nan
    prediction[rng.random(reference.shape) < 0.05] = -9999
    valid = rng.random(reference.shape) < 0.8
    return prediction, reference, valid, valid & np.isfinite(reference) & (prediction != -9999)


def test_height_scores(heights):
    prediction, reference, valid, scored = heights
    p, r = prediction[scored].astype(np.float64), reference[scored].astype(np.float64)
    pair, errors, high = (torch.from_numpy(p), torch.from_numpy(r)), p - r, r > MIN_HEIGHT_M
    relative = torch.from_numpy(p[high] / r[high]), torch.ones(int(high.sum()), dtype=torch.float64)
    logs = [torch.from_numpy(np.log(np.maximum(x[high], 1e-3))) for x in (p, r)]
    mean_d = float((logs[0] - logs[1]).mean())
    ratio = np.maximum(p[high] / r[high], r[high] / np.maximum(p[high], 1e-300))
    expected = {
        "bias_m": float(np.mean(errors)),
        "mae_m": float(functional.mean_absolute_error(*pair)),
        "mse_m2": mean_squared_error(p, r),
        "rmse_m": float(functional.mean_squared_error(*pair, squared=False)),
        "abs_rel": float(functional.mean_absolute_percentage_error(pair[0][high], pair[1][high])),
        "rmse_rel": float(functional.mean_squared_error(*relative, squared=False)),
        "log10": float(functional.mean_absolute_error(*logs)) / np.log(10),
        "silog": float(functional.mean_squared_error(*logs)) - 0.5 * mean_d**2,
        "delta1": float((ratio < 1.25).mean()),
        "delta3": float((ratio < 1.25**3).mean()),
        "min_error_m": float(errors.min()),
        "max_error_m": float(errors.max()),
    }
    found = ErrorStatistics.from_arrays(prediction, reference, valid, MIN_HEIGHT_M).scores()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name
    # the histogram resolves a millimetre; the functions on arrays do not round
    assert found["nmad_m"] == pytest.approx(1.4826 * median_abs_deviation(errors), abs=0.002)
    assert metrics.nmad(prediction, reference, valid) == pytest.approx(1.4826 * median_abs_deviation(errors), abs=1e-6)
    for name, level in {"q05_m": 0.05, "q25_m": 0.25, "q50_m": 0.5, "q75_m": 0.75, "q95_m": 0.95}.items():
        assert found[name] == pytest.approx(np.quantile(errors, level), abs=0.0011), name


def test_ssim(heights):
    prediction, reference, _, _ = heights
    p, r = (
        np.nan_to_num(x, nan=0).astype(np.float64) for x in (np.where(prediction == -9999, 0, prediction), reference)
    )
    _, full = structural_similarity(
        p, r, data_range=30.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert metrics.ssim(p, r, None, 30.0) == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-9)


def test_mask_scores(heights):
    prediction, reference, _, scored = heights
    predicted, truth = np.where(scored, prediction > 5, 255), np.where(scored, reference > 5, 255)
    pair = [torch.from_numpy(x[scored].astype(np.int64)) for x in (predicted, truth)]
    names = {"iou": "jaccard_index", "dice": "f1_score"} | {n: n for n in ("accuracy", "precision", "recall")}
    found = ConfusionStatistics.from_arrays(predicted, truth).scores()
    for name, peer in names.items():
        expected = getattr(functional, peer)(*pair, task="binary")
        assert found[name] == pytest.approx(float(expected), abs=1e-6), name

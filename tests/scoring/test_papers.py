import math

import numpy as np
import pandas
import pytest

from img2height.metrics import ConfusionStatistics, ErrorStatistics
from img2height.metrics.statistics import float_sums
from img2height.scoring.papers import fusionheightnet, im2height, monodepth, resdepth

DIVISOR_M = 10.0


def tile(error_m: float, pixels: int, stratum: str, masks=(0, 0, 0, 0)) -> dict:
    truth = np.full(pixels, 8.0)
    sums = float_sums(vars(ErrorStatistics.from_arrays(truth + error_m, truth)))
    return sums | dict(zip(("tp", "fp", "fn", "tn"), masks, strict=True)) | {"stratum": stratum, "ssim": np.nan}


# Two tiles with buildings, 1 px of 3 m error and 3 px of -1 m; the third has no building.
TILES = pandas.DataFrame(
    [
        tile(3, 1, "buildings"), tile(3, 10, "all", (1, 1, 0, 8)),
        tile(-1, 3, "buildings"), tile(-1, 10, "all", (1, 0, 2, 7)),
        tile(0, 10, "all", (0, 0, 0, 10)),
    ]
)  # fmt: skip
ERRORS = np.array([3.0, -1, -1, -1])
BUILDINGS = ErrorStatistics.from_arrays(8 + ERRORS, np.full(4, 8.0)).scores()
FOOTPRINT = ConfusionStatistics(tp=2, fp=1, fn=2, tn=25)


def test_im2height_normalises_by_a_stated_height():
    found = im2height(BUILDINGS | {"ssim": 0.5}, DIVISOR_M)
    assert found == pytest.approx({"mse": 12 / 4 / 100, "mae": 6 / 4 / 10, "ssim": 0.5, "height_divisor_m": 10})


def test_fusionheightnet_by_hand():
    found = fusionheightnet(BUILDINGS, FOOTPRINT, TILES, DIVISOR_M)
    precision, recall = (1 / 2 + 1 + 0) / 3, (1 + 1 / 3 + 0) / 3  # without a building: zero
    assert found == pytest.approx(
        {
            "mae": 0.15,
            "mse": 0.03,
            "rmse": (3 + 1) / 2 / 10,  # mean over images: not sqrt(0.03)
            "delta1": 3 / 4,  # 8 / 7 is below 1.25, 11 / 8 is not
            "delta2": 1.0,
            "delta3": 1.0,
            "iou": (1 / 2 + 1 / 3 + 0) / 3,
            "precision": precision,
            "recall": recall,
            "f1": 2 * precision * recall / (precision + recall),
            "dice": (2 * 2 + 1) / (2 * 2 + 1 + 2 + 1),
            "accuracy": 27 / 30,
            "mae_eq23": 0.0,  # 3 - 1 - 1 - 1: without |.| errors cancel
            "rmse_eq25": 0.03,
            "dice_eq29": 4 / (4 + 1 + 25),
            "iou_eq30": 2 / (2 + 1 + 25),
            "height_divisor_m": 10,
        },
        abs=1e-9,
    )
    assert found["dice"] > 2 * found["iou"] / (1 + found["iou"])  # as in its Table 1


def test_fusionheightnet_without_footprints_has_heights_only():
    found = fusionheightnet(BUILDINGS, ConfusionStatistics(), TILES.assign(tp=0, fp=0, fn=0, tn=0), DIVISOR_M)
    nothing = ("iou", "precision", "recall", "f1", "dice", "accuracy", "dice_eq29", "iou_eq30")
    assert [found[name] for name in nothing] == [None] * len(nothing)
    assert found["mae"] == pytest.approx(0.15)


def test_resdepth_centres_nmad_on_the_median_absolute_error():
    errors = np.array([-3.0, -2, -1, -2, 4])
    found = resdepth(ErrorStatistics.from_arrays(errors + 9, np.full(5, 9.0)))
    assert found == pytest.approx(
        {
            "pixels": 5, "max_error_m": 4, "min_error_m": -3, "mae_m": 12 / 5, "rmse_m": math.sqrt(34 / 5),
            "medae_m": 2, "median_m": -2, "nmad_m": 1.4826 * 4,  # of |r - 2|: 5, 4, 3, 4, 2
        },
        abs=1e-9,
    )  # fmt: skip
    draws = np.random.default_rng([1]).normal(0, 1, 200_000)
    spread = resdepth(ErrorStatistics.from_arrays(draws + 9, np.full(draws.shape, 9.0)))["nmad_m"]
    assert spread == pytest.approx(1.244, abs=0.01)  # where 1.00 is right


def test_monodepth_calls_a_relative_rmse_rms():
    found = monodepth(BUILDINGS)
    assert found["rms"] == pytest.approx(math.sqrt(12 / 64 / 4))
    assert found["rel"] == pytest.approx(6 / 8 / 4)
    assert found["log10"] == pytest.approx((math.log10(11 / 8) + 3 * math.log10(8 / 7)) / 4, abs=1e-9)
    assert found["delta1"] == 0.75

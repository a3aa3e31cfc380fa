import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from img2height import metrics
from img2height.errors import DataError
from img2height.metrics import ConfusionStatistics, ErrorStatistics

HEIGHTS = st.floats(-50, 300, width=32) | st.sampled_from([0.0, -9999.0, math.nan])
MAPS = arrays(np.float32, (12, 10), elements=HEIGHTS)
MASKS = arrays(np.uint8, (8, 8), elements=st.sampled_from([0, 1, 255]))


def test_scores_by_hand():
    prediction = np.array([1.0, 2.0, 0.0, 10.0, 5.0])
    reference = np.array([0.0, 4.0, 0.0, 8.0, 5.0])  # errors 1, -2, 0, 2, 0; ratios where 4, 8, 5
    scores = ErrorStatistics.from_arrays(prediction, reference).scores()
    assert scores == pytest.approx(
        {
            "pixels": 5,
            "coverage": 1.0,
            "bias_m": 0.2,
            "mae_m": 1.0,
            "mse_m2": 9 / 5,
            "rmse_m": math.sqrt(9 / 5),
            "medae_m": 1.0,
            "nmad_m": 1.4826,
            "abs_rel": (0.5 + 0.25 + 0) / 3,
            "rmse_rel": math.sqrt((0.25 + 0.0625) / 3),
            "log10": (math.log10(2) + math.log10(1.25)) / 3,
            "delta1": 1 / 3,  # 10 / 8 is 1.25, and delta is strict
            "delta2": 2 / 3,
            "delta3": 2 / 3,
            "ratio_pixels": 3,
            # d = -ln 2, ln 1.25, 0
            "silog": (math.log(2) ** 2 + math.log(1.25) ** 2) / 3 - 0.5 * ((math.log(1.25) - math.log(2)) / 3) ** 2,
            "q05_m": -1.6,  # of -2, 0, 0, 1, 2
            "q25_m": 0.0,
            "q50_m": 0.0,
            "q75_m": 1.0,
            "q95_m": 1.8,
            "min_error_m": -2.0,
            "max_error_m": 2.0,
        },
        abs=1e-9,
    )


def test_prediction_of_nothing_is_a_miss_for_delta_and_a_millimetre_for_log10():
    scores = ErrorStatistics.from_arrays(np.array([0.0, -3.0]), np.array([10.0, 10.0])).scores()
    assert (scores["delta1"], scores["delta3"]) == (0.0, 0.0)
    assert scores["log10"] == pytest.approx(4.0, abs=1e-9)


def test_missing_reference_never_counts_and_zero_metres_does():
    reference = np.array([np.nan, -9999.0, 0.0], dtype=np.float32)
    scores = ErrorStatistics.from_arrays(np.array([100.0, 100.0, 3.0]), reference).scores()
    assert (scores["pixels"], scores["mae_m"], scores["ratio_pixels"]) == (1, 3.0, 0)


def test_missing_prediction_lowers_only_the_coverage():
    prediction = np.array([np.nan, -9999.0, np.inf, 7.0], dtype=np.float32)
    scores = ErrorStatistics.from_arrays(prediction, np.full(4, 5.0)).scores()
    assert (scores["coverage"], scores["pixels"], scores["bias_m"]) == (0.25, 1, 2.0)


def test_nothing_gives_none_and_no_nan():
    scores = ErrorStatistics.from_arrays(np.zeros((0, 3)), np.zeros((0, 3))).scores()
    assert scores.pop("pixels") == scores.pop("ratio_pixels") == 0
    assert set(scores.values()) == {None}
    assert set(ConfusionStatistics().scores().values()) == {0, None}


def test_nmad_is_centred_on_the_median_error():
    errors = np.random.default_rng([7]).normal(-2, 1, 200_000)
    scores = ErrorStatistics.from_arrays(errors, np.zeros_like(errors)).scores()
    assert scores["nmad_m"] == pytest.approx(1.0, abs=0.01)
    assert scores["bias_m"] == pytest.approx(-2.0, abs=0.01)


def test_errors_beyond_the_histogram_count_as_its_end():
    prediction = np.array([0.0, 900.0, 800.0])
    statistics = ErrorStatistics.from_arrays(prediction, np.zeros(3))
    assert statistics.histogram.to_json() == {"error_mm": [0, 500_000], "pixels": [1, 2]}
    assert statistics.scores()["medae_m"] == 500.0
    assert statistics.scores()["mae_m"] == pytest.approx(1700 / 3)


def test_large_errors_do_not_overflow():
    prediction = np.full(5000, 1_000_000.0)
    scores = ErrorStatistics.from_arrays(prediction, np.full(5000, 0.002), None, 0.001).scores()
    assert scores["rmse_m"] == pytest.approx(1e6, rel=1e-8)
    assert scores["rmse_rel"] == pytest.approx(5e8, rel=1e-6)


@given(MAPS, MAPS, st.data())
def test_any_partition_in_any_order_gives_the_same_digits(prediction, reference, data):
    whole = ErrorStatistics.from_arrays(prediction, reference)
    pixels = data.draw(st.permutations(range(prediction.size)))
    cuts = sorted(data.draw(st.lists(st.integers(0, prediction.size), max_size=6)))
    blocks = np.split(np.array(pixels), cuts)
    parts = [ErrorStatistics.from_arrays(prediction.flat[b], reference.flat[b]) for b in blocks]
    total = sum(parts, start=ErrorStatistics())
    assert total == whole
    assert total.scores() == whole.scores()


@given(MAPS, MAPS, MAPS, arrays(bool, (12, 10)))
def test_values_under_the_mask_change_nothing(prediction, reference, other, valid):
    changed = [np.where(valid, values, other) for values in (prediction, reference)]
    assert ErrorStatistics.from_arrays(*changed, valid) == ErrorStatistics.from_arrays(prediction, reference, valid)


@given(MAPS, MAPS)
def test_statistics_agree_with_the_functions_on_arrays(prediction, reference):
    scores = ErrorStatistics.from_arrays(prediction, reference).scores()
    names = {"bias_m": "bias", "mae_m": "mae", "mse_m2": "mse", "rmse_m": "rmse", "abs_rel": "abs_rel"}
    names |= {"log10": "log10", "rmse_rel": "rmse_rel", "delta1": "delta", "silog": "silog"}
    for key, name in names.items():
        expected = getattr(metrics, name)(prediction, reference)
        assert scores[key] == (None if expected is None else pytest.approx(expected, rel=1e-6, abs=1e-6)), key
    if not scores["pixels"]:
        return
    assert scores["medae_m"] == pytest.approx(metrics.medae(prediction, reference), abs=0.001)
    assert scores["nmad_m"] == pytest.approx(metrics.nmad(prediction, reference), abs=0.003)
    assert scores["rmse_m"] == math.sqrt(scores["mse_m2"])
    assert scores["rmse_m"] >= scores["mae_m"] * (1 - 1e-15)
    assert scores["mae_m"] >= abs(scores["bias_m"])


@given(MAPS, MAPS)
def test_json_keeps_the_statistics(prediction, reference):
    statistics = ErrorStatistics.from_arrays(prediction, reference, ratio_min_height_m=2.5)
    assert ErrorStatistics.from_json(json.loads(json.dumps(statistics.to_json()))) == statistics


def test_confusion_by_hand():
    predicted = np.array([1, 1, 0, 0, 255, 1, 0])
    reference = np.array([1, 0, 1, 0, 1, 255, 255])
    statistics = ConfusionStatistics.from_arrays(predicted, reference)
    assert statistics == ConfusionStatistics(tp=1, fp=1, fn=1, tn=1, missing=1)
    scores = statistics.scores()
    assert scores == pytest.approx(
        {"pixels": 4, "coverage": 0.8, "iou": 1 / 3, "dice": 0.5, "accuracy": 0.5, "precision": 0.5, "recall": 0.5}
    )
    assert ConfusionStatistics.from_json(statistics.to_json()) == statistics


@given(MASKS, MASKS, MASKS)
def test_confusion_adds_up_and_dice_follows_from_iou(predicted, reference, other):
    whole = ConfusionStatistics.from_arrays(predicted, reference)
    parts = [ConfusionStatistics.from_arrays(predicted[rows], reference[rows]) for rows in ([0, 5], [1, 2, 3, 4, 6, 7])]
    assert parts[1] + parts[0] == whole
    valid = reference != 255
    masked = ConfusionStatistics.from_arrays(np.where(valid, predicted, other), reference, valid)
    assert masked == whole
    if (iou := whole.scores()["iou"]) is not None:
        assert whole.scores()["dice"] == pytest.approx(2 * iou / (1 + iou))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ErrorStatistics.from_arrays(np.zeros((2, 3)), np.zeros((3, 2))), "shape"),
        (lambda: ErrorStatistics.from_arrays(np.zeros(2), np.zeros(2), np.ones(3, bool)), "mask"),
        (lambda: ErrorStatistics.from_arrays(np.array([1e30]), np.zeros(1)), "not a possible height error"),
        (lambda: ErrorStatistics.from_arrays(np.zeros(1), np.zeros(1), None, 0.0), "ratio_min_height_m"),
        (lambda: ErrorStatistics() + ErrorStatistics(ratio_min_height_m=2.0), "ratio_min_height_m"),
        (lambda: ConfusionStatistics.from_arrays(np.zeros(2), np.zeros(3)), "shape"),
    ],
)
def test_invalid_input_is_named(make, words):
    with pytest.raises(DataError, match=words):
        make()

import numpy as np
import pytest

from img2height import metrics

REFERENCE = np.array([[0.5, 2.0], [4.0, -9999.0]])
PREDICTION = np.array([[0.5, 1.0], [6.0, 3.0]])  # errors 0, -1, 2; the last reference is missing


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bias", 1 / 3),
        ("mae", 1.0),
        ("mse", 5 / 3),
        ("rmse", (5 / 3) ** 0.5),
        ("medae", 1.0),
        ("nmad", 1.4826),
        ("abs_rel", 0.5),
        ("rmse_rel", 0.5),
        ("log10", (np.log10(2) + np.log10(1.5)) / 2),
        ("silog", (np.log(2) ** 2 + np.log(1.5) ** 2) / 2 - 0.5 * ((np.log(1.5) - np.log(2)) / 2) ** 2),
        ("delta", 0.0),
    ],
)
def test_height_scores_by_hand(name, value):
    assert getattr(metrics, name)(PREDICTION, REFERENCE) == pytest.approx(value)
    assert getattr(metrics, name)(PREDICTION, REFERENCE, np.zeros((2, 2), bool)) is None


def test_delta_powers_are_strict():
    reference = np.full(4, 10.0)
    prediction = np.array([12.4, 12.5, 15.6, 19.5])
    assert [metrics.delta(prediction, reference, power=k) for k in (1, 2, 3)] == [0.25, 0.75, 1.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("iou", 0.25), ("dice", 0.4), ("f1", 0.4), ("accuracy", 0.4), ("precision", 0.5), ("recall", 1 / 3)],
)
def test_mask_scores_by_hand(name, value):
    predicted = np.array([1, 1, 0, 0, 0, 1])
    reference = np.array([1, 0, 1, 1, 0, 255])
    assert getattr(metrics, name)(predicted, reference) == pytest.approx(value)
    assert getattr(metrics, name)(predicted, reference, np.zeros(6, bool)) is None

import numpy as np
import pytest

from img2height.buildings.attributes import eroded
from img2height.buildings.roofs import roof_types, slope_directions

GSD_M = 0.5
SIZES = ((8, 8), (8, 14), (12, 20), (20, 30))
ANGLES = (0.0, 0.3, 0.785, 1.2)
# from the eaves at 4 m; u and v are distances from the middle, a and b half the width and length
ROOFS = {
    "flat": lambda u, v, a, b: np.zeros_like(u),
    "shed": lambda u, v, a, b: 3.5 * (u + a) / (2 * a),
    "gable": lambda u, v, a, b: 3.0 * (1 - abs(u) / a),
    "hip": lambda u, v, a, b: 3.0 * np.minimum(1, np.minimum(a - abs(u), b - abs(v)) / a),
}


def house(roof: str, size_m: tuple[float, float], angle: float, noise_m: float, seed: int = 0):
    y, x = np.mgrid[:90, :90] * GSD_M - 45 * GSD_M
    u, v = y * np.cos(angle) + x * np.sin(angle), x * np.cos(angle) - y * np.sin(angle)
    a, b = size_m[0] / 2, size_m[1] / 2
    labels = ((abs(u) <= a) & (abs(v) <= b)).astype(np.int32)
    return labels, 4 + ROOFS[roof](u, v, a, b) + np.random.default_rng(seed).normal(0, noise_m, u.shape)


def kind(roof: str, size_m: tuple[float, float], angle: float, noise_m: float) -> str | None:
    labels, height = house(roof, size_m, angle, noise_m)
    return roof_types(eroded(labels), height, 1, GSD_M)[0]


@pytest.mark.parametrize("roof", ROOFS)
@pytest.mark.parametrize("noise_m", [0.0, 0.2, 0.5])
def test_no_roof_is_taken_for_another(roof, noise_m):
    found = [kind(roof, size, angle, noise_m) for size in SIZES for angle in ANGLES]
    wanted = "flat" if roof == "flat" else "pitched"
    assert set(found) <= {wanted, None}
    assert found.count(wanted) >= (12 if noise_m < 0.5 else 0)


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.7, -0.5])
def test_direction_of_the_slopes_is_found(angle):
    labels, height = house("gable", (12, 20), angle, 0.1)
    turned = slope_directions(eroded(labels), height, 1)[1] - angle
    assert abs((turned + np.pi / 4) % (np.pi / 2) - np.pi / 4) < 0.05


def test_few_or_missing_pixels_show_no_roof():
    labels, height = house("gable", (8, 8), 0.0, 0.0)
    assert roof_types(labels, np.full_like(height, np.nan), 1, GSD_M).tolist() == [None]
    labels[:, 4:], labels[4:] = 0, 0
    labels[:4, :4] = 1
    assert roof_types(labels, height, 2, GSD_M).tolist() == [None, None]


def test_houses_of_one_window_do_not_disturb_each_other():
    one, two = house("gable", (8, 14), 0.3, 0.0), house("flat", (12, 20), 1.2, 0.0)
    labels, height = np.hstack([one[0], 2 * two[0]]), np.hstack([one[1], two[1]])
    assert roof_types(labels, height, 2, GSD_M).tolist() == ["pitched", "flat"]

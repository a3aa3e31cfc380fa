"""Normalisation by known numbers and its way through JSON."""

import json

import numpy as np
import pytest

from img2height.errors import DataError, TrainingError
from img2height.samples.augment import SYMMETRIES, transform
from img2height.samples.normalise import Normalisation, clip_heights, fit_bands, fit_heights


def test_heights_come_back_in_metres() -> None:
    heights = np.linspace(0, 20, 1001)
    for mode in ("minmax", "zscore", "metre"):
        offset, scale = fit_heights(heights, mode)
        normalisation = Normalisation({}, mode, offset, scale)
        again = Normalisation.from_json(json.loads(json.dumps(normalisation.to_json())))
        assert again == normalisation
        np.testing.assert_allclose(again.to_metres(again.normalise_heights(heights)), heights, atol=1e-5)


def test_known_statistics() -> None:
    assert fit_heights(np.array([1.0, 3.0, np.nan]), "zscore") == (2.0, 1.0)
    assert fit_heights(np.array([5.0, 7.0]), "metre") == (0.0, 1.0)
    offset, scale = fit_heights(np.arange(10_001) / 100, "minmax")
    assert (offset, scale) == pytest.approx((0.1, 99.8))


def test_unknown_image_pixels_become_the_mean_and_do_not_count() -> None:
    image = np.array([[[1, 3], [200, 200]]], np.uint8)
    valid = np.array([[True, True], [False, False]])
    statistics = fit_bands([image], [valid], ["red"])
    assert statistics == {"red": (2.0, 1.0)}
    scaled = Normalisation({"eo": statistics}, "metre", 0, 1).apply("eo", image, valid)
    np.testing.assert_array_equal(scaled, [[[-1, 1], [0, 0]]])
    assert scaled.dtype == np.float32


def test_what_does_not_vary_is_refused() -> None:
    with pytest.raises(DataError, match="band nir is 7 in every"):
        fit_bands([np.full((1, 4, 4), 7)], [np.ones((4, 4), bool)], ["nir"])
    with pytest.raises(TrainingError, match="all training heights are 0 m"):
        fit_heights(np.zeros(9), "minmax")


def test_the_eight_symmetries_are_all_different_and_keep_every_value() -> None:
    square = np.arange(9).reshape(1, 3, 3)
    seen = {transform(square, s).tobytes() for s in range(SYMMETRIES)}
    assert len(seen) == 8
    assert all(sorted(transform(square, s).ravel()) == list(range(9)) for s in range(SYMMETRIES))
    np.testing.assert_array_equal(transform(square, 1)[0], np.rot90(square[0]))


def test_only_heights_above_ground_are_clipped() -> None:
    heights = np.array([-1.0, 0.0, 2.0, np.nan])
    np.testing.assert_array_equal(clip_heights(heights, "ndsm"), [0, 0, 2, np.nan])
    np.testing.assert_array_equal(clip_heights(heights, "dsm"), heights)

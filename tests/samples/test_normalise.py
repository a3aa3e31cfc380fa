"""Normalisation by numbers worked out by hand, and its storage as JSON."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from img2height.errors import DataError, TrainingError
from img2height.samples.augment import transform
from img2height.samples.normalise import Normalisation, clip_heights, fit_bands, fit_heights, fit_patches
from img2height.settings.symmetries import SYMMETRIES


def read_back(normalisation: Normalisation) -> Normalisation:
    """Return a normalisation that was written as JSON and read."""
    kind = TypeAdapter(Normalisation)
    return kind.validate_json(kind.dump_json(normalisation))


def test_heights_return_to_metres() -> None:
    heights = np.linspace(0, 20, 1001)
    for mode in ("minmax", "zscore", "metre"):
        offset, scale = fit_heights(heights, mode)
        normalisation = Normalisation({}, mode, offset, scale)
        again = read_back(normalisation)
        assert again == normalisation
        np.testing.assert_allclose(
            again.to_metres(again.normalise_heights(heights, offset), offset), heights, atol=1e-5
        )


@pytest.mark.parametrize("mode", ["zscore", "unit", "tanh", "imagenet"])
def test_a_card_keeps_the_image_mode(mode: str) -> None:
    pixels = np.array([[[0, 90, 250]]], np.uint8)
    fitted = Normalisation({"eo": fit_bands([pixels], [pixels[0] < 200], ["red"], mode)}, "metre", 0, 1, mode)
    again = read_back(fitted)
    assert again == fitted
    every = np.ones((1, 3), bool)
    np.testing.assert_array_equal(again.apply("eo", pixels, every), fitted.apply("eo", pixels, every))


def test_known_statistics() -> None:
    assert fit_heights(np.array([1.0, 3.0, np.nan]), "zscore") == (2.0, 1.0)
    assert fit_heights(np.array([5.0, 7.0]), "metre") == (0.0, 1.0)
    offset, scale = fit_heights(np.arange(10_001) / 100, "minmax")
    assert (offset, scale) == pytest.approx((0.1, 99.8))


def test_missing_image_pixels_become_the_mean_and_do_not_count() -> None:
    image = np.array([[[1, 3], [200, 200]]], np.uint8)
    valid = np.array([[True, True], [False, False]])
    statistics = fit_bands([image], [valid], ["red"])
    assert statistics == {"red": (2.0, 1.0)}
    scaled = Normalisation({"eo": statistics}, "metre", 0, 1).apply("eo", image, valid)
    np.testing.assert_array_equal(scaled, [[[-1, 1], [0, 0]]])
    assert scaled.dtype == np.float32


def test_constant_values_are_refused() -> None:
    with pytest.raises(DataError, match="band nir is 7 in every"):
        fit_bands([np.full((1, 4, 4), 7)], [np.ones((4, 4), bool)], ["nir"])
    with pytest.raises(TrainingError, match="all training heights are 0 m"):
        fit_heights(np.zeros(9), "minmax")
    with pytest.raises(TrainingError, match="no pixel of the training tiles"):
        fit_heights(np.full(9, np.nan), "zscore")


def test_the_eight_symmetries_are_all_different_and_keep_every_value() -> None:
    square = np.arange(9).reshape(1, 3, 3)
    seen = {transform(square, s).tobytes() for s in range(SYMMETRIES)}
    assert len(seen) == 8
    assert all(sorted(transform(square, s).ravel()) == list(range(9)) for s in range(SYMMETRIES))
    np.testing.assert_array_equal(transform(square, 1)[0], np.rot90(square[0]))


def test_only_heights_above_ground_are_clipped() -> None:
    heights = np.array([-1.0, 0.0, 2.0, np.nan])
    for target in ("ndsm", "building_height"):
        np.testing.assert_array_equal(clip_heights(heights, target), [0, 0, 2, np.nan])
    np.testing.assert_array_equal(clip_heights(heights, "dsm"), heights)


def test_a_patch_is_centred_on_the_mean_of_its_valid_initial_surface() -> None:
    normalisation = Normalisation({"views": {"first": (10.0, 2.0)}}, "patch_centred", 0.0, 4.0)
    surface = np.array([[[1000.0, 1004.0], [1008.0, -9999.0]]], np.float32)
    valid = np.array([[True, True], [True, False]])
    images = {"dsm_initial": surface, "views": np.full((1, 2, 2), 14, np.uint8)}
    inputs, offset_m = normalisation.normalise_patch(images, {"dsm_initial": valid, "views": valid})
    assert offset_m == 1004
    np.testing.assert_array_equal(inputs["dsm_initial"], [[[-1, 0], [1, 0]]])
    np.testing.assert_array_equal(inputs["views"], [[[2, 2], [2, 0]]])
    np.testing.assert_array_equal(normalisation.normalise_heights(np.array([1000.0, 1012.0]), offset_m), [-1, 2])
    np.testing.assert_array_equal(normalisation.to_metres(np.array([-1.0, 2.0]), offset_m), [1000, 1012])


def test_missing_pixels_of_optional_layers_are_nan_and_a_surface_has_its_own_mean() -> None:
    normalisation = Normalisation({"eo": {"red": (10.0, 2.0)}}, "minmax", 1.0, 4.0)
    valid = np.array([[True, False]])
    images = {"eo": np.array([[[14, 3]]], np.uint8), "dsm_initial": np.array([[[1004.0, -9999.0]]], np.float32)}
    inputs, offset_m = normalisation.normalise_patch(images, {"eo": valid, "dsm_initial": valid}, ("eo", "dsm_initial"))
    assert offset_m == 1.0
    np.testing.assert_array_equal(inputs["eo"], [[[2, np.nan]]])
    np.testing.assert_array_equal(inputs["dsm_initial"], [[[0, np.nan]]])


def test_the_scale_of_patches_leaves_out_the_flattest_and_the_roughest() -> None:
    patches = [k * np.array([[-1.0, 0.0, 1.0]]) + 500 for k in (0.0, *range(1, 20), 1e4)]  # deviations 0, 1 .. 19, 1e4
    assert fit_patches(patches) == pytest.approx(10)
    with pytest.raises(TrainingError, match="flat in every training tile"):
        fit_patches([np.full(4, 7.0)] * 3)


def test_images_are_normalised_in_the_ways_of_the_papers() -> None:
    image, valid = np.array([[[0, 255], [51, 204]]], np.uint8), np.ones((2, 2), bool)
    fitted = {mode: fit_bands([image], [valid], ["red"], mode)["red"] for mode in ("unit", "tanh", "imagenet")}
    assert fitted["unit"] == (0, 255)
    assert fitted["imagenet"] == pytest.approx((255 * 0.485, 255 * 0.229))
    low, high = np.quantile([0, 51, 204, 255], [0.02, 0.98])
    assert fitted["tanh"] == pytest.approx(((low + high) / 2, (high - low) / 2))
    stretched = Normalisation({"eo": {"red": fitted["tanh"]}}, "metre", 0, 1, "tanh").apply("eo", image, valid)
    assert stretched.min() == -1
    assert stretched.max() == 1, "what lies beyond the percentiles is clipped"
    radiance = image.astype(np.uint16) * 8
    assert fit_bands([radiance], [valid], ["red"], "unit")["red"] == pytest.approx((8 * low, 8 * (high - low)))
    with pytest.raises(DataError, match=r"band nir .* only 8-bit red, green and blue"):
        fit_bands([image], [valid], ["nir"], "imagenet")


@pytest.mark.parametrize(("mode", "dark"), [("unit", 0), ("tanh", -1)])
def test_a_band_that_is_saturated_nearly_everywhere_keeps_its_range(mode: str, dark: int) -> None:
    image, every = np.full((1, 10, 20), 4095, np.uint16), np.ones((10, 20), bool)
    image[0, 0, 0] = 95
    fitted = fit_bands([image], [every], ["red"], mode)
    scaled = Normalisation({"eo": fitted}, "metre", 0, 1, mode).apply("eo", image, every)
    assert scaled[0, 0, 0] == dark
    assert (scaled.ravel()[1:] == 1).all()


def test_relative_heights_run_from_the_lowest_to_the_highest_of_a_tile() -> None:
    relative = Normalisation({}, "relative", *fit_heights(np.arange(9.0), "relative"))
    heights = np.array([3.0, 5.0, 11.0])
    offset_m, scale_m = relative.height_range(heights, 0.0)
    np.testing.assert_allclose(relative.normalise_heights(heights, offset_m, scale_m), [-1, -0.5, 1])
    flat = np.full(3, 7.0)
    np.testing.assert_allclose(relative.normalise_heights(flat, *relative.height_range(flat, 0.0)), -1)
    assert Normalisation({}, "metre", 0, 1).height_range(heights, 4.0) == (4.0, 1)


def test_heights_between_minus_one_and_one() -> None:
    offset, scale = fit_heights(np.arange(10_001) / 100, "tanh")
    assert (offset, scale) == pytest.approx((50.0, 49.9))

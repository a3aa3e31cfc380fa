"""The optical image shows what a camera would: dark shadows, bright near infrared of plants, sunny and shady roofs."""

import numpy as np
import pytest

from img2height.scenes.city import CitySettings, generate
from img2height.scenes.city.light import cast_shadows
from img2height.scenes.city.model import Material
from img2height.scenes.city.optical import render


@pytest.fixture(scope="module")
def city():
    return generate(CitySettings(size_px=512, seed=3))


@pytest.fixture(scope="module")
def image(city):
    return render(city)


def test_image_is_eight_bit_of_four_bands_and_uses_the_range(image):
    assert image.shape == (4, 512, 512)
    assert image.dtype == np.uint8
    assert (image == 255).mean() < 0.03 and (image == 0).mean() < 0.01
    assert image[:3].std() > 25


def test_ndvi_separates_trees_from_roofs(city, image):
    red, nir = image[0].astype(float), image[3].astype(float)
    ndvi = (nir - red) / np.maximum(nir + red, 1)
    assert (ndvi[city.material == Material.CROWN] > 0.2).mean() > 0.95
    assert (ndvi[city.building == 1] < 0.2).mean() > 0.95


def test_shadows_are_darker_than_the_same_material_in_the_sun(city, image):
    shadow = cast_shadows(city.dsm, 0.5, city.settings.sun_azimuth_deg, city.settings.sun_elevation_deg)
    asphalt = city.material == Material.ASPHALT
    assert np.median(image[1][asphalt & shadow]) < 0.65 * np.median(image[1][asphalt & ~shadow])


def test_roofs_that_face_the_sun_are_brighter(city, image):
    down, right = np.gradient(city.dsm, 0.5)
    pitched = (city.building == 1) & (np.hypot(down, right) > 0.4) & (np.hypot(down, right) < 1.2)
    # The sun stands in the south-south-east: roofs that fall to the south have a negative slope to the south.
    assert image[1][pitched & (down < -0.3)].mean() > 1.2 * image[1][pitched & (down > 0.3)].mean()


def test_haze_lifts_the_blue_of_shadows_most():
    settings = CitySettings(size_px=192, seed=1)
    city = generate(settings)
    clear, hazy = (
        render(generate(settings.model_copy(update={"haze": haze, "noise": 0.0}))).astype(float) for haze in (0.0, 1.0)
    )
    shadow = cast_shadows(city.dsm, 0.5, settings.sun_azimuth_deg, settings.sun_elevation_deg)
    lift = (hazy - clear)[:, shadow].mean(axis=1)
    assert lift[2] > lift[3] and lift.min() > 0


def test_noise_has_the_requested_strength():
    quiet, noisy = (
        render(generate(CitySettings(size_px=192, seed=1, noise=noise))).astype(float) for noise in (0.0, 4.0)
    )
    inside = (quiet > 30) & (quiet < 220)
    assert (noisy - quiet)[inside].std() == pytest.approx(4.0, rel=0.05)

"""The raw surface has matching errors as strong and as frequent as real ones."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from img2height.scenes.city import CitySettings, generate
from img2height.scenes.city.matching import match
from img2height.scenes.city.model import Material
from img2height.scenes.city.stereo import render_stereo
from img2height.scenes.city.view import Sight, occluded
from img2height.settings.city import StereoSettings

PAIR = (Sight(18, 10), Sight(18, 190))


def _matched(city, texture=25.0, faults=1.0):
    """The raw surface for an image whose texture is the same everywhere."""
    settings = city.settings.model_copy(update={"stereo": StereoSettings(faults=faults)})
    pan = 100 + texture * np.random.default_rng(1).standard_normal(city.dsm.shape)
    return match(replace(city, settings=settings), pan, PAIR)


@pytest.fixture(scope="module")
def city():
    return generate(CitySettings(size_px=512, seed=3, stereo=StereoSettings()))


@pytest.fixture(scope="module")
def error(city):
    return _matched(city) - city.dsm


def _nmad(errors):
    return 1.4826 * np.median(np.abs(errors - np.median(errors)))


def _plain(city):
    """Open ground that both views see, away from objects."""
    tall = ndimage.binary_dilation(city.ndsm > 0.3, iterations=10)
    hidden = ndimage.binary_dilation(occluded(city, PAIR[0]) | occluded(city, PAIR[1]), iterations=4)
    return ~(tall | hidden | ndimage.binary_dilation(city.water, iterations=4))


def test_errors_are_as_large_as_those_of_real_models():
    city = generate(CitySettings(size_px=512, seed=5, stereo=StereoSettings()))
    stereo = render_stereo(city)
    errors = stereo.filled - city.dsm
    assert 2.2 < np.sqrt((errors**2).mean()) < 3.5
    assert 1.1 < np.abs(errors).mean() < 1.8
    assert 0.6 < _nmad(errors) < 1.0
    assert 0.03 < np.isnan(stereo.raw).mean() < 0.06


def test_foreground_is_fattened_by_two_to_three_pixels(city, error):
    away = ndimage.distance_transform_edt(city.building == 0)
    free = ~ndimage.binary_dilation((city.building == 0) & (city.ndsm > 0), iterations=5) & np.isfinite(error)
    near, far = (free & (away >= low) & (away < low + 1) for low in (1, 6))
    assert np.median(error[near]) > 1.5
    assert abs(np.median(error[far])) < 0.6


def test_edges_are_smoothed(city, error):
    rough, truth = (np.hypot(*np.gradient(np.where(np.isnan(error), city.dsm, part)))
                    for part in (city.dsm + error, city.dsm))  # fmt: skip
    edge = ndimage.binary_dilation(city.building > 0) & ~ndimage.binary_erosion(city.building > 0)
    assert np.quantile(rough[edge], 0.95) < 0.7 * np.quantile(truth[edge], 0.95)


def test_weak_texture_makes_smooth_surfaces_noisy_and_holed(city, error):
    plain = _plain(city)
    blank = _matched(city, texture=1.0) - city.dsm
    assert _nmad(blank[plain & np.isfinite(blank)]) > 1.4 * _nmad(error[plain & np.isfinite(error)])
    assert np.isnan(blank)[plain].mean() > 5 * np.isnan(error)[plain].mean()


def test_crowns_are_partly_missed(city, error):
    crown = (city.material == Material.CROWN) & np.isfinite(error)
    assert -4 < np.median(error[crown]) < -0.5
    assert 0.08 < (error[crown] < -5).mean() < 0.4


def test_holes_lie_where_a_view_sees_nothing_and_on_water(city, error):
    hidden = occluded(city, PAIR[0]) | occluded(city, PAIR[1])
    holes = np.isnan(error)
    assert holes[hidden].mean() > 5 * holes[~hidden & ~city.water].mean()
    assert 0.1 < holes[city.water].mean() < 0.6


def test_blunders_are_compact_patches_of_metres(city, error):
    wrong = _plain(city) & (np.abs(np.nan_to_num(error)) > 3)
    patches, number = ndimage.label(wrong)
    area_m2 = ndimage.sum_labels(wrong, patches, range(1, number + 1)) * 0.25
    assert number > 10
    assert area_m2.max() < 30
    assert np.abs(error[wrong]).max() < 30


@pytest.mark.parametrize("faults", [0.3, 1.0, 2.0])
def test_more_faults_make_a_worse_surface(city, faults):
    def rmse(strength):
        return np.sqrt(np.nanmean((_matched(city, faults=strength) - city.dsm) ** 2))

    assert rmse(faults) > 1.2 * rmse(faults / 2)

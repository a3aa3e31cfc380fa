"""Views are rectified with the raw surface: its errors are parallax between them, and without errors they agree."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from img2height.errors import SettingsError
from img2height.scenes.city import CitySettings, generate
from img2height.scenes.city.model import Material
from img2height.scenes.city.optical import GAMMA, radiance
from img2height.scenes.city.stereo import orthoviews, render_stereo, view_pairs
from img2height.scenes.city.view import Sight, occluded
from img2height.settings.city import StereoSettings


def _city(size_px=256, faults=1.0, **settings):
    return generate(CitySettings(size_px=size_px, seed=3, stereo=StereoSettings(faults=faults), **settings))


@pytest.fixture(scope="module")
def stereo():
    return render_stereo(_city())


def _moved(image, by):
    """The shift between two images, down and right in pixels."""
    taper = np.outer(np.hanning(112), np.hanning(112))
    one, other = (
        ndimage.gaussian_filter(part / np.median(part) - 1, 1)[40:-40, 40:-40] * taper for part in (image, by)
    )
    return -phase_cross_correlation(other, one, upsample_factor=50, normalization=None)[0]


@pytest.mark.parametrize("error_m", [-2.0, 0.6, 3.0])
@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 2), (0, 3)])
def test_parallax_is_error_times_base_to_height(error_m, first, second):
    city = _city(size_px=192, noise=0.0)
    shape, flat = city.dsm.shape, np.full_like(city.dsm, 100)
    grass = np.full(shape, Material.GRASS, np.uint8)
    city = replace(
        city, dsm=flat, dtm=flat, ndsm=np.zeros(shape, np.float32), building=np.zeros(shape, np.uint8), material=grass,
        instance=np.zeros(shape, np.int32),
    )  # fmt: skip
    views = orthoviews(city, flat + np.float32(error_m), radiance(city)).astype(float)
    one, other = (Sight(*city.settings.stereo.views[number]) for number in (first, second))
    parallax = _moved(views[first], views[second])
    expected = error_m * (one.lean - other.lean)[::-1] / city.settings.gsd_m
    assert parallax == pytest.approx(expected, abs=0.1)
    ratio = view_pairs([one, other]).base_to_height[0]
    assert np.hypot(*parallax) == pytest.approx(abs(error_m) * ratio / city.settings.gsd_m, abs=0.1)


def test_views_of_the_true_surface_agree_outside_occlusions():
    city = _city(faults=0.0, noise=0.0)
    views = render_stereo(city).views.astype(float) ** GAMMA
    sights = [Sight(*view) for view in city.settings.stereo.views]
    hidden = [ndimage.binary_dilation(occluded(city, sight), iterations=4) for sight in sights]
    for first, second in ((0, 1), (1, 2), (0, 3)):
        seen = ~(hidden[first] | hidden[second])
        assert seen.mean() > 0.4
        ratio = np.median(views[first][seen] / views[second][seen])
        apart = np.abs(np.sqrt(views[first]) - np.sqrt(ratio * views[second]))
        assert (apart[seen] < 2).mean() > 0.995
        assert apart[~seen].mean() > 5 * apart[seen].mean()


def test_errors_of_the_raw_surface_make_views_disagree(stereo):
    right = render_stereo(_city(faults=0.0)).views
    apart = [np.abs(views[0].astype(float) - views[1]).mean() for views in (stereo.views, right)]
    assert apart[0] > 1.1 * apart[1]


def test_without_faults_the_raw_surface_is_the_truth():
    city = _city(size_px=128, faults=0.0)
    stereo = render_stereo(city)
    assert np.array_equal(stereo.raw, city.dsm) and np.array_equal(stereo.filled, city.dsm)
    assert not stereo.filled_mask.any()


def test_layers_fit_together(stereo):
    holes = np.isnan(stereo.raw)
    assert np.array_equal(stereo.filled[~holes], stereo.raw[~holes])
    assert np.array_equal(stereo.filled_mask, holes & np.isfinite(stereo.filled))
    assert stereo.raw.dtype == stereo.filled.dtype == np.float32
    assert stereo.views.shape == (4, 256, 256) and stereo.views.dtype == np.uint8
    assert all(view.std() > 20 and (view == 255).mean() < 0.05 for view in stereo.views)


def test_the_same_settings_give_the_same_bytes(stereo):
    again = render_stereo(_city())
    for name in ("raw", "filled", "filled_mask", "views"):
        assert getattr(again, name).tobytes() == getattr(stereo, name).tobytes()


def test_pairs_have_base_to_height_and_convergence():
    pairs = view_pairs([Sight(18, 10), Sight(18, 190), Sight(0, 0)])
    assert pairs[["first", "second"]].to_numpy().tolist() == [[1, 2], [1, 3], [2, 3]]
    tangent = np.tan(np.radians(18))
    assert pairs.base_to_height.to_numpy() == pytest.approx([2 * tangent, tangent, tangent])
    assert pairs.convergence_deg.to_numpy() == pytest.approx([36, 18, 18])


def test_a_city_without_views_is_an_error():
    with pytest.raises(SettingsError, match="stereo"):
        render_stereo(generate(CitySettings(size_px=128, seed=0)))

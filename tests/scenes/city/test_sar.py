"""The radar sees buildings lean towards it, their shadow behind them, and the corner at the foot of their walls."""

import numpy as np
import pytest
from scipy import ndimage

from img2height.scenes.city import CitySettings, generate
from img2height.scenes.city.geometry import direction
from img2height.scenes.city.model import City, Material
from img2height.scenes.city.sar import BANDS, NOISE_FLOOR_DB, clutter, intensity, render_sar
from img2height.scenes.city.sar_geometry import Look, Scatterers, add_echoes
from img2height.settings.city import SarSettings

SIZE, HALF_PX, GSD_M = 161, 20.5, 0.5
ROWS, COLS = np.indices((SIZE, SIZE)) - SIZE // 2
BOX = np.maximum(np.abs(ROWS), np.abs(COLS)) < HALF_PX
FLAT = np.zeros((SIZE, SIZE), np.float32)
HH, HV, VH, VV = range(4)


def _city(ndsm, ground=Material.ASPHALT, raised=Material.BITUMEN, gsd_m=GSD_M, **sar):
    """Return flat ground with what `ndsm` raises above it; a single house, unless it is a wood."""
    up = ndsm > 0
    house = up & (raised != Material.CROWN)
    return City(
        settings=CitySettings(size_px=SIZE, gsd_m=gsd_m, seed=5, sar=SarSettings(**sar)),
        dsm=ndsm + 100, dtm=FLAT + 100, ndsm=ndsm,
        building=house.astype(np.uint8), building_id=house.astype(np.int32), instance=up.astype(np.int32),
        material=np.where(up, raised, ground).astype(np.uint8), water=FLAT > 0, forest=FLAT > 0, buildings=[],
    )  # fmt: skip


def _box(height_m):
    return np.where(BOX, np.float32(height_m), 0)


def _expected(city):
    return intensity(city, np.ones((4, *city.dsm.shape), np.float32))


def _profile(image, azimuth):
    """Return the image on the line through the middle, and where on it, in pixels towards the sensor."""
    right, down = direction(azimuth)
    along = np.arange(-75, 75, 0.25)
    return along, ndimage.map_coordinates(image, [80 + along * down, 80 + along * right], order=1)


def _wall(azimuth):
    return HALF_PX / max(np.abs(direction(azimuth)))


@pytest.mark.parametrize("incidence", [30, 40, 55])
@pytest.mark.parametrize("azimuth", [0, 90, 110, 180, 205, 290])
def test_layover_is_height_over_tangent_and_shadow_height_times_tangent(azimuth, incidence):
    height = 9.0
    tangent = np.tan(np.radians(incidence))
    image = _expected(_city(_box(height), look_azimuth_deg=azimuth, incidence_deg=incidence))
    along, power = _profile(image[HH], azimuth)
    wall, lean, reach = _wall(azimuth), height / tangent / GSD_M, height * tangent / GSD_M
    face = np.median(power[(along > wall + 2) & (along < wall + lean - 2)])
    assert along[power > face].max() == pytest.approx(wall + lean, abs=1.5)
    dark = along[power < 0.7 * image[HH, 0, 0]]
    assert dark.min() == pytest.approx(-wall - reach, abs=1.25)
    # The roof has also moved.
    assert dark.max() == pytest.approx(-wall + lean, abs=1.25)


@pytest.mark.parametrize("azimuth", [0, 75, 90, 180, 260])
def test_the_brightest_line_is_the_foot_of_the_wall_that_faces_the_sensor(azimuth):
    image = _expected(_city(_box(12), look_azimuth_deg=azimuth))
    for band in (HH, VV):
        along, power = _profile(image[band], azimuth)
        assert along[power.argmax()] == pytest.approx(_wall(azimuth), abs=1.0)


def test_double_bounce_grows_with_height_and_needs_a_wall_that_faces_the_sensor():
    low, high, turned = (
        _profile(_expected(_city(_box(height), look_azimuth_deg=azimuth))[HH], azimuth)[1].max()
        for height, azimuth in ((5, 90), (15, 90), (15, 120))
    )
    assert high == pytest.approx(3 * low, rel=0.25)
    assert turned < 0.5 * high


def test_a_house_sends_back_the_same_power_at_any_resolution():
    totals = []
    for gsd_m, size in ((0.5, 24), (1.0, 12)):
        house = FLAT.copy()
        house[80 : 80 + size, 60 : 60 + size] = 9
        images = [_expected(_city(ndsm, gsd_m=gsd_m, look_azimuth_deg=90)) for ndsm in (house, FLAT)]
        totals.append((images[0] - images[1]).sum(axis=(1, 2)) * gsd_m**2)
    assert totals[0] == pytest.approx(totals[1], rel=0.1)


def test_a_wood_at_the_foot_of_a_wall_absorbs_the_double_bounce():
    paved, wooded = (
        _expected(_city(_box(12), ground=ground, look_azimuth_deg=90)) for ground in (Material.ASPHALT, Material.CROWN)
    )
    assert wooded[HH, 80].max() < 0.3 * paved[HH, 80].max()


@pytest.mark.parametrize("looks", [1, 4, 20])
def test_looks_are_mean_squared_over_variance_on_flat_ground(looks):
    image = 10 ** (render_sar(_city(FLAT, ground=Material.GRASS, looks=looks)).astype(float) / 10)
    for band in image:
        seen = band[np.isfinite(band)]
        assert seen.mean() ** 2 / seen.var() == pytest.approx(looks, rel=0.1)
    # Backscatter is the same whatever the order of sending and receiving; noise is not.
    assert np.nanmean(image[HV]) == pytest.approx(np.nanmean(image[VH]), rel=0.02)
    assert (image[HV] != image[VH]).all()


def test_speckle_correlates_between_like_and_between_cross_polarisations():
    image = render_sar(_city(FLAT, ground=Material.GRASS))
    correlation = np.corrcoef(image[:, np.isfinite(image[0])])
    assert correlation[HH, VV] > 0.3 and correlation[HV, VH] > 0.3
    assert np.abs(correlation[[HH, VV]][:, [HV, VH]]).max() < 0.03


@pytest.mark.parametrize("azimuth", [0, 65, 90, 200, 315])
def test_a_mirrored_city_seen_from_the_mirrored_side_is_the_mirrored_image(azimuth):
    rough = np.random.default_rng(azimuth).uniform(6, 8, BOX.shape).astype(np.float32)
    ndsm = np.where(BOX & ((COLS < 5) | (ROWS < 8)), rough + 0.3 * np.abs(COLS + 7), 0).astype(np.float32)
    city = _city(ndsm, look_azimuth_deg=azimuth)
    mirrored = _city(np.ascontiguousarray(ndsm[:, ::-1]), look_azimuth_deg=-azimuth % 360)
    bright = clutter(city)
    assert np.allclose(intensity(mirrored, bright[..., ::-1])[..., ::-1], intensity(city, bright), rtol=1e-3)


def test_a_roof_that_falls_away_from_the_sensor_is_stretched_without_holes():
    ndsm = np.where(BOX, 9 + 0.2 * COLS, 0).astype(np.float32)  # the foot of its high wall lies in column 100
    image = _expected(_city(ndsm, raised=Material.BRICK, look_azimuth_deg=90))[HH]
    roof = image[70:91, 75:95]
    assert roof.std() < 0.05 * roof.mean()
    assert roof.mean() > 3 * 10 ** (NOISE_FLOOR_DB / 10)


def test_trees_are_bright_in_cross_polarisation_and_water_is_dark_in_all():
    wood, grass, water = (
        _expected(_city(FLAT, ground=ground))[:, 80, 80] for ground in (Material.CROWN, Material.GRASS, Material.WATER)
    )
    assert (wood > grass).all() and (grass > 2 * water).all()
    assert wood[HV] / wood[HH] > 1.5 * grass[HV] / grass[HH]
    assert 10 * np.log10(water) == pytest.approx(-21, abs=2.5)
    assert water[HV] < water[HH]


def test_crowns_are_smeared_over_their_depth():
    roof, crown = (
        _expected(_city(_box(12), raised=raised, look_azimuth_deg=90))[HV, 80] for raised in (Material.TILE_RED, 7)
    )
    near = 101 + int(12 / np.tan(np.radians(40)) / GSD_M)  # the column to which the near edge of the top leans
    assert roof[near - 2] > 2 * roof[near + 2]
    assert crown[near + 2] < crown[near - 2] < 0.7 * crown[near - 5] < 0.7 * crown[near - 12]


def test_shadow_is_noise():
    image = _expected(_city(_box(12), look_azimuth_deg=90))
    assert 10 * np.log10(image[:, 80, 50]) == pytest.approx(NOISE_FLOOR_DB, abs=0.2)


def test_the_strip_ends_at_a_skewed_line_on_the_far_side():
    for azimuth, far in ((90, np.s_[:, 0]), (270, np.s_[:, -1]), (0, np.s_[-1]), (180, np.s_[0])):
        image = render_sar(_city(FLAT, look_azimuth_deg=azimuth))
        assert image.shape == (len(BANDS), SIZE, SIZE) and image.dtype == np.float32
        unseen = np.isnan(image[0])
        assert (np.isnan(image) == unseen).all()
        assert 0.015 < unseen.mean() < 0.055
        assert unseen[far].mean() > 0.5
        # A straight cut is as long in every line; a skewed one is not.
        assert len(set(unseen.sum(axis=0 if azimuth in (0, 180) else 1))) > 1


def test_the_same_settings_give_the_same_bytes():
    first, second = (
        render_sar(generate(CitySettings(size_px=128, seed=9, sar=SarSettings(look_azimuth_deg=33)))) for _ in range(2)
    )
    assert first.tobytes() == second.tobytes()


def test_echoes_are_shared_by_pixels_without_loss_and_add_up():
    rng = np.random.default_rng(0)
    power = rng.uniform(1, 2, (4, 500))
    points = Scatterers(rng.uniform(10, 40, 500), rng.uniform(10, 40, 500), rng.uniform(0, 3, 500), power)
    image = np.ones((4, 64, 64))
    add_echoes(image, Look(0.6, 0.8, np.radians(40), GSD_M), points)
    assert (image - 1).sum(axis=(1, 2)) == pytest.approx(power.sum(axis=1))

"""The synthetic landscape: plausible terrain, cover that partly follows it, and an image determined by the seed."""

import hashlib

import numpy as np
import pytest
import rasterio
from pydantic import ValidationError
from scipy import ndimage

from img2height.scenes.land import LandSettings, generate
from img2height.scenes.land.cover import CULTIVATED, FOREST, Cover
from img2height.scenes.land.drainage import drain
from img2height.scenes.land.files import write_land
from img2height.scenes.land.optical import BANDS, render
from img2height.settings.city import CELL_M as CITY_M
from img2height.settings.city import CitySettings
from img2height.settings.land import CELL_M, SEEDS

SEED = 8


@pytest.fixture(scope="module")
def land():
    return generate(LandSettings(size_px=512, seed=SEED))


@pytest.fixture(scope="module")
def image(land):
    return render(land)


def _index(image, first, second):
    one, two = (image[BANDS.index(name)].astype(float) for name in (first, second))
    return (one - two) / (one + two)


def _slope_deg(land):
    return np.degrees(np.arctan(np.hypot(*np.gradient(land.dtm.astype(float), land.settings.gsd_m))))


def test_layers_have_their_shapes_and_types(land, image):
    assert image.shape == (10, 512, 512) and image.dtype == np.uint16 and image.min() > 0
    assert land.dtm.dtype == np.float32 and land.cover.dtype == np.uint8
    assert land.water.dtype == land.forest.dtype == bool
    assert np.array_equal(land.water, land.cover == Cover.WATER)
    assert np.array_equal(land.forest, np.isin(land.cover, FOREST))
    assert {len(layer) for layer in (land.dtm, land.water, land.forest, land.cover, land.parcel)} == {512}


@pytest.mark.parametrize("odd", [{"relief_m": 60, "base_m": -20}, {"relief_m": 2400, "gsd_m": 60}, {"size_px": 257}])
def test_any_relief_is_reached(odd):
    land = generate(LandSettings(**{"size_px": 256, "seed": 4} | odd))
    assert land.dtm.min() == pytest.approx(land.settings.base_m, abs=1e-3)
    assert np.ptp(land.dtm) == pytest.approx(land.settings.relief_m, rel=1e-5)
    assert render(land).shape == (10, *land.dtm.shape)


def test_valleys_are_connected(land):
    """Hardly any terrain is in a hollow without an outlet; pure noise would be full of them."""
    border = np.ones(land.dtm.shape, bool)
    border[1:-1, 1:-1] = False
    sunk = drain(land.dtm, border).filled - land.dtm > 1
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=land.dtm.shape), 8)
    noise *= land.settings.relief_m / np.ptp(noise)
    assert sunk.mean() < 0.04 < 0.2 < (drain(noise, border).filled - noise > 1).mean()


def test_water_lies_below_its_banks_and_in_the_valleys(land):
    banks = ndimage.minimum_filter(np.where(land.water, np.inf, land.dtm), 3)
    beside = land.water & np.isfinite(banks)
    assert land.water.mean() > 0.002
    assert (banks[beside] > land.dtm[beside]).mean() > 0.97
    assert np.median(land.dtm[land.water]) < np.quantile(land.dtm[~land.water], 0.4)


def test_rivers_run_downhill(land):
    """From all water a path over water leads out of the scene without climbing by more than a metre."""
    cost = np.where(land.water, land.dtm, 1e6)
    border = np.zeros(land.dtm.shape, bool)
    border[[0, -1]] = border[:, [0, -1]] = True
    climbs = drain(cost, border & land.water).filled - cost
    assert (climbs[land.water] < 1).mean() > 0.98


def test_cover_follows_the_terrain_but_not_strictly(land):
    slope = _slope_deg(land)
    fields = np.isin(land.cover, CULTIVATED[:3])
    assert 2 * np.median(slope[fields]) < np.median(slope[land.forest])
    heights = {name: land.dtm[land.cover == name] for name in (Cover.BROADLEAF, Cover.CONIFER, Cover.ROCK)}
    low, middle, high = (np.median(values) for values in heights.values())
    assert low < middle < high
    # Both kinds of forest share most of their range: the class alone does not determine the height.
    quarter = np.quantile(heights[Cover.BROADLEAF], 0.75)
    assert 0.05 < (heights[Cover.CONIFER] < quarter).mean() < 0.95
    assert set(np.unique(land.cover)) == set(Cover)


def test_hills_without_a_summit_bear_no_snow():
    low = generate(LandSettings(size_px=256, seed=SEED, relief_m=300))
    assert not (low.cover == Cover.SNOW).any()


def test_indices_separate_the_cover(land, image):
    ndvi, ndwi = _index(image, "nir", "red"), _index(image, "green", "nir")
    ndsi, red_edge = _index(image, "green", "swir16"), _index(image, "re3", "re1")
    inner = ndimage.binary_erosion(land.water)
    assert np.median(ndvi[land.forest]) > 0.6 > 0.35 > np.median(ndvi[land.cover == Cover.SOIL])
    assert np.quantile(ndwi[inner], 0.1) > 0 > np.quantile(ndwi[~land.water], 0.95) - 0.1
    assert np.median(ndsi[land.cover == Cover.SNOW]) > 0.4 > np.quantile(ndsi[land.forest], 0.99)
    assert np.median(red_edge[land.forest]) > 0.4 > np.median(red_edge[land.cover == Cover.ROCK])


def test_sunlit_slopes_are_brighter(land, image):
    down, right = np.gradient(land.dtm.astype(float), land.settings.gsd_m)
    azimuth = np.radians(land.settings.sun_azimuth_deg)
    towards = -(right * np.sin(azimuth) - down * np.cos(azimuth))  # slope that faces the sun
    wood = land.cover == Cover.BROADLEAF
    for name in BANDS:
        band = image[BANDS.index(name)].astype(float)
        assert np.median(band[wood & (towards > 0.25)]) > 1.1 * np.median(band[wood & (towards < -0.25)])


def test_the_sun_changes_the_image_and_not_the_land(land, image):
    other = generate(land.settings.model_copy(update={"sun_azimuth_deg": 290.0}))
    assert np.array_equal(other.dtm, land.dtm) and np.array_equal(other.cover, land.cover)
    assert (render(other) != image).mean() > 0.9


def test_haze_brightens_blue_most_and_low_ground_most():
    clear, hazy = (generate(LandSettings(size_px=256, seed=2, noise=0, haze=haze)) for haze in (0, 1))
    added = render(hazy).astype(float) - render(clear)
    assert added[0].mean() > 2 * added[BANDS.index("nir")].mean() > 2 * added[-1].mean() > 0
    assert np.corrcoef(added[0].ravel(), clear.dtm.ravel())[0, 1] < -0.5


def test_half_resolution_bands_are_smoother(image):
    def unrest(name):
        band = image[BANDS.index(name)].astype(float)
        return np.abs(np.diff(band)).mean() / band.mean()

    assert unrest("nir08") < 0.75 * unrest("nir")


def test_the_image_is_informative_about_the_height_but_does_not_determine_it(land, image):
    """A linear fit of all bands explains only a part of the elevation."""
    bands = np.log(image.reshape(10, -1)[:, ::7].T.astype(float))
    design = np.column_stack([bands, np.ones(len(bands))])
    height = land.dtm.ravel()[::7].astype(float)
    left = height - design @ np.linalg.lstsq(design, height, rcond=None)[0]
    assert 0.1 < 1 - left.var() / height.var() < 0.85


def test_landscapes_never_overlap():
    corners = np.array([LandSettings(seed=seed).origin for seed in range(SEEDS)])
    assert len(np.unique(corners, axis=0)) == SEEDS
    assert not ((corners - corners[0]) % CELL_M).any()
    assert corners[:, 1].max() <= CitySettings(seed=0).origin[1] - CITY_M
    assert corners[:, 1].min() - CELL_M > 0
    with pytest.raises(ValidationError, match="at most 50000 m wide"):
        LandSettings(seed=0, size_px=4096, gsd_m=20)
    with pytest.raises(ValidationError, match="less than"):
        LandSettings(seed=SEEDS)


def _digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_a_seed_determines_the_bytes(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 3)):
        land = generate(LandSettings(size_px=256, seed=seed))
        write_land(land, render(land), tmp_path / name)
    first, again, other = (_digests(tmp_path / name) for name in "abc")
    assert first == again
    assert all(first[name] != other[name] for name in first)
    assert set(first) == {layer["path"] for layer in LandSettings(seed=0).delivered()["layers"].values()}


def test_files_describe_their_content(land, image, tmp_path):
    write_land(land, image, tmp_path)
    with rasterio.open(tmp_path / "ms.tif") as ms:
        assert (ms.descriptions, ms.dtypes, ms.nodata) == (BANDS, ("uint16",) * 10, 0)
        assert np.array_equal(ms.read(), image)
        assert (ms.bounds.left, ms.bounds.top) == land.settings.origin
    with rasterio.open(tmp_path / "dtm.tif") as dtm:
        assert (dtm.descriptions, dtm.units, dtm.nodata) == (("dtm",), ("metre",), -9999)
        assert dtm.crs.to_epsg() == 32633 and dtm.res == (10, 10)
        assert np.array_equal(dtm.read(1), land.dtm)
    for name in ("water", "forest"):
        with rasterio.open(tmp_path / f"{name}.tif") as mask:
            assert mask.dtypes == ("uint8",) and mask.descriptions == (name,)
            assert np.array_equal(mask.read(1), getattr(land, name))

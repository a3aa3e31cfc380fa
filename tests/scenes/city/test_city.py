"""The synthetic city is exact: heights, masks and polygons agree, and a seed determines the bytes."""

import hashlib
from dataclasses import replace
from functools import cache

import geopandas
import numpy as np
import pytest
import rasterio
from pydantic import ValidationError
from rasterio.features import rasterize

from img2height.scenes.city import CitySettings, generate, write
from img2height.scenes.city.model import Material
from img2height.scenes.city.optical import REFLECTANCE, render
from img2height.scenes.synthetic import synthetic_grid

SEEDS = (1, 2, 3, 4, 6)


@cache
def district_of(seed):
    return generate(CitySettings(size_px=512, seed=seed))


@pytest.fixture
def district():
    return district_of(3)


@pytest.fixture(scope="module")
def towers():
    return generate(CitySettings(size_px=512, seed=5, preset="towers"))


def test_heights_are_exact_and_never_negative(district):
    assert np.array_equal(district.ndsm, district.dsm - district.dtm)
    assert district.ndsm.min() >= 0
    assert district.dsm.dtype == district.dtm.dtype == district.ndsm.dtype == np.float32


def test_heights_stay_within_the_limits():
    settings = CitySettings(size_px=256, seed=4, min_height_m=4, max_height_m=20)
    city = generate(settings)
    roofs = city.ndsm[city.building == 1]
    assert roofs.min() > 3.99 and roofs.max() < 20.01


def test_terrain_rolls_and_water_is_level(district):
    assert np.ptp(district.dtm) > 4
    assert district.water.mean() > 0.01
    assert np.ptp(district.dtm[district.water]) == 0


def test_buildings_stand_on_level_ground(district):
    for building in district.buildings[::7]:
        ground = district.dtm[district.building_id == building.building_id]
        assert np.ptp(ground) == 0
        assert ground[0] == np.float32(building.ground_m)


def test_polygons_match_mask_and_heights(district):
    grid = synthetic_grid(district.settings)
    shapes = [(b.polygon, b.building_id) for b in district.buildings]
    burnt = rasterize(shapes, grid.shape, transform=grid.transform, dtype="int32")
    both, either = (burnt > 0) & (district.building == 1), (burnt > 0) | (district.building == 1)
    assert both.sum() / either.sum() > 0.99
    assert (burnt == district.building_id)[both].mean() > 0.99
    for building in district.buildings:
        roof = district.ndsm[district.building_id == building.building_id]
        assert roof.max() == np.float32(building.height_m)
        assert roof.min() == np.float32(building.eaves_m)


def test_every_roof_type_occurs():
    roofs = {building.roof for seed in SEEDS for building in district_of(seed).buildings}
    assert roofs == {"flat", "gabled", "hipped", "shed", "l_shaped", "stepped", "courtyard"}


def test_gabled_roofs_slope(district):
    slopes = [b.height_m - b.eaves_m for b in district.buildings if b.roof in ("gabled", "hipped")]
    assert np.median(slopes) > 1.5


def test_towers_reach_above_100_m(towers, district):
    assert max(b.height_m for b in towers.buildings) > 100
    assert max(b.height_m for b in district.buildings) <= 60


def test_most_houses_are_low(district):
    heights = [b.height_m for b in district.buildings]
    assert 4 < np.median(heights) < 13


def test_small_districts_have_buildings_and_trees():
    for seed in range(4):
        city = generate(CitySettings(size_px=256, seed=seed))
        assert city.building.mean() > 0.02
        assert (city.material == Material.CROWN).mean() > 0.02


def test_roof_colour_does_not_reveal_the_height():
    brightness, heights = [], []
    for seed in SEEDS:
        city = district_of(seed)
        for building in city.buildings:
            material = Material(np.bincount(city.material[city.building_id == building.building_id]).argmax())
            brightness.append(REFLECTANCE[material][:3])
            heights.append(building.height_m)
    for band in np.array(brightness).T:
        assert abs(np.corrcoef(band, heights)[0, 1]) < 0.2


@pytest.mark.parametrize("seed", [585, 876])
@pytest.mark.parametrize(
    "odd",
    [
        {"size_px": 128, "gsd_m": 0.5},
        {"size_px": 192, "gsd_m": 2.0, "density": 0.01, "water": False},
        {"size_px": 256, "gsd_m": 1.0, "max_height_m": 12, "relief_m": 80},
    ],
)
def test_unusual_settings_also_make_a_city(seed, odd, tmp_path):
    city = generate(CitySettings(seed=seed, **odd))
    write(city, render(city), tmp_path)
    assert city.building.max() == (len(city.buildings) > 0)
    assert city.building_id.max() == len(city.buildings)
    assert max((b.height_m for b in city.buildings), default=0) < city.settings.max_height_m + 0.01


def test_density_thins_the_buildings_out():
    full, thin = (generate(CitySettings(size_px=384, seed=1, density=d)) for d in (1.0, 0.3))
    assert len(thin.buildings) < 0.75 * len(full.buildings)


def test_water_can_be_switched_off():
    city = generate(CitySettings(size_px=256, seed=0, water=False))
    assert not city.water.any() and not (city.material == Material.WATER).any()


def test_forest_is_closed_canopy(district):
    assert district.forest.mean() > 0.01
    assert (district.material[district.forest] == Material.CROWN).all()
    assert np.median(district.ndsm[district.forest]) > 5


def _digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_a_seed_determines_the_bytes(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        city = generate(CitySettings(size_px=192, seed=seed))
        write(city, render(city), tmp_path / name)
    first, again, other = (_digests(tmp_path / name) for name in "abc")
    assert first == again
    assert set(first) == {
        "eo.tif", "dsm.tif", "dtm.tif", "ndsm.tif", "building.tif", "water.tif", "forest.tif", "buildings.gpkg"
    }  # fmt: skip
    assert all(first[name] != other[name] for name in first)


def test_files_describe_their_content(tmp_path):
    city = generate(CitySettings(size_px=192, seed=2))
    write(city, render(city), tmp_path)
    with rasterio.open(tmp_path / "eo.tif") as eo:
        assert eo.descriptions == ("red", "green", "blue", "nir")
        assert eo.dtypes == ("uint8",) * 4
    with rasterio.open(tmp_path / "ndsm.tif") as ndsm:
        assert (ndsm.descriptions, ndsm.units, ndsm.nodata) == (("ndsm",), ("metre",), -9999)
        assert ndsm.crs.to_epsg() == 32633
        assert np.array_equal(ndsm.read(1), city.ndsm)
        bounds = ndsm.bounds
    table = geopandas.read_file(tmp_path / "buildings.gpkg")
    assert len(table) == len(city.buildings)
    assert table.crs.to_epsg() == 32633
    west, south, east, north = table.total_bounds
    assert bounds.left <= west and bounds.bottom <= south and east <= bounds.right and north <= bounds.top


def test_districts_never_overlap():
    corners = {CitySettings(seed=seed).origin for seed in range(500)}
    assert len(corners) == 500
    assert all(x % 5000 == 0 and (y - 5000) % 5000 == 0 for x, y in corners)
    with pytest.raises(ValidationError, match="5000 m wide"):
        CitySettings(seed=0, size_px=4096, gsd_m=2.0)
    with pytest.raises(ValidationError, match="64 to"):
        CitySettings(seed=0, size_px=128, gsd_m=0.25)


def test_height_limit_follows_the_preset():
    assert CitySettings(seed=0).max_height_m == 60
    assert CitySettings(seed=0, preset="towers").max_height_m == 150
    with pytest.raises(ValidationError, match="extra"):
        CitySettings(seed=0, colour="red")


def test_the_image_depends_on_the_sun_alone_not_the_truth():
    morning = generate(CitySettings(size_px=192, seed=1, sun_azimuth_deg=90))
    evening = generate(CitySettings(size_px=192, seed=1, sun_azimuth_deg=270))
    assert np.array_equal(morning.dsm, evening.dsm)
    assert not np.array_equal(render(morning), render(replace(morning, settings=evening.settings)))

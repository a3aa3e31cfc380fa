import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from scipy.ndimage import gaussian_filter, label, rotate

from img2height.buildings import extract
from img2height.buildings.split import Evidence, _apart, split
from img2height.io.rasters import open_raster, read_heights
from img2height.metrics.matching import detection_scores, overlaps
from img2height.scenes.city import CitySettings, generate
from img2height.scenes.footprints import burn_walls
from img2height.scenes.synthetic import synthetic_grid

UTM = CRS.from_epsg(25832)
HALF_METRE = Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)


def divided(height: np.ndarray, mask: np.ndarray, step_m: float = 0.5, **further: np.ndarray) -> np.ndarray:
    return split(label(mask)[0], Evidence(height, **further), 0.5, step_m, 20.0)


def terraces(noise_m: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """36 houses of 6 x 10 m in 6 rows, 6.0 and 7.5 m high in turns; and their numbers."""
    height, number = np.zeros((220, 120), np.float32), np.zeros((220, 120), np.int32)
    for house in range(36):
        row, column = divmod(house, 6)
        here = np.s_[10 + 34 * row : 30 + 34 * row, 20 + 12 * column : 32 + 12 * column]
        height[here], number[here] = 6.0 + 1.5 * (column % 2), house + 1
    return height + np.random.default_rng([seed]).normal(0, noise_m, height.shape).astype(np.float32), number


@pytest.mark.parametrize(("noise_m", "least"), [(0.0, 36), (0.3, 36), (0.6, 34)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_terraced_houses_of_different_height_are_single_buildings(noise_m, least, seed):
    height, number = terraces(noise_m, seed)
    frame = extract(height, number > 0, HALF_METRE, UTM, split_step_m=0.5)
    found = 0
    for house in range(36):
        row, column = divmod(house, 6)
        west, north = 500_010 + 6 * column, 5_400_000 - 5 - 17 * row
        true = shapely.box(west, north - 10, west + 6, north)
        common = frame.geometry.intersection(true).area
        iou = common / (frame.area_m2 + true.area - common)
        right = abs(frame.height_m - (6.0 + 1.5 * (column % 2))) <= 0.2
        found += bool((right & (iou > 0.5)).any())
    assert found >= least
    assert shapely.coverage_is_valid(frame.geometry.to_numpy())
    assert frame.area_m2.sum() == pytest.approx(shapely.union_all(frame.geometry.to_numpy()).area)


def roof(kind: str, turn_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Heights and mask of a house of 14 x 10 m with a pitch of 45°, turned."""
    y, x = (np.mgrid[:80, :80] - 39.5) / 2
    angle = np.radians(turn_deg)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    inside = (np.abs(u) < 7) & (np.abs(v) < 5)
    rise = {"gabled": 5 - np.abs(v), "hipped": np.minimum(5 - np.abs(v), 7 - np.abs(u)), "shed": 5 + v}[kind]
    return np.where(inside, 4 + rise, 0).astype(np.float32), inside


@pytest.mark.parametrize("turn_deg", [0, 17, 30, 45])
@pytest.mark.parametrize("kind", ["gabled", "hipped", "shed"])
def test_pitched_roofs_stay_whole(kind, turn_deg):
    height, inside = roof(kind, turn_deg)
    assert divided(height, inside).max() == 1


def test_chimneys_and_dormers_stay_with_their_house():
    height, inside = roof("gabled", 0)
    height[38:40, 45:47] += 2
    height[44:48, 34:40] = 8.5
    assert divided(height, inside).max() == 1


def test_a_tower_on_a_roof_stays_with_its_building():
    height = np.zeros((60, 60), np.float32)
    height[5:55, 5:55], height[20:40, 20:40] = 10, 25
    assert divided(height, height > 0).max() == 1


def test_uneven_heights_of_a_network_divide_no_roof():
    whole = 0
    for seed in range(20):
        uneven = gaussian_filter(np.random.default_rng([seed]).normal(size=(60, 60)), 1.5)
        height = np.zeros((60, 60), np.float32)
        height[15:43, 15:35] = (7 + 0.8 * uneven / uneven.std())[15:43, 15:35]
        whole += divided(height, height > 0).max() == 1
    assert whole >= 18


@pytest.mark.parametrize(("low_m", "buildings"), [(7.0, 2), (9.0, 1)])
def test_roofs_whose_heights_vary_more_than_they_differ_are_one(low_m, buildings):
    # Two levels of 10 m and low_m; along both, plates of 15 x 20 px are 2 m higher and lower than these in turns.
    height = np.zeros((60, 90), np.float32)
    height[10:50, 15:45], height[10:50, 45:75] = 10, low_m
    plates = np.sign(np.arange(90) // 15 % 2 - 0.5)[None] * np.sign(np.arange(60) // 20 % 2 - 0.5)[:, None]
    uneven = np.where(height > 0, height + 1.0 * gaussian_filter(plates, 4), 0).astype(np.float32)
    assert divided(uneven, height > 0).max() == buildings


def test_a_low_wing_is_a_building():
    height = np.zeros((60, 60), np.float32)
    height[5:55, 5:30], height[20:45, 30:55] = 10, 4
    labels = divided(height, height > 0)
    assert labels.max() == 2
    assert ((labels == 2) != (height == 4)).sum() <= 4  # the corners of the wall are rounded


def test_small_parts_join_the_neighbour_with_the_longest_wall():
    height = np.zeros((60, 90), np.float32)
    height[10:50, 5:40], height[10:30, 40:50], height[10:28, 50:85] = 10, 6, 3  # the middle one has 50 m2
    labels = split(label(height > 0)[0], Evidence(height), 0.5, 0.5, 60.0)
    assert labels.max() == 2
    assert (labels[10:30, 42:48] == 1).all()
    assert split(label(height > 0)[0], Evidence(height), 0.5, 0.5, 40.0).max() == 3


def test_flat_areas_are_apart_if_only_a_gap_in_a_wall_connects_them():
    flat = np.zeros((12, 40), bool)
    flat[1:11, 1:11], flat[5:7, 11:14], flat[1:11, 14:24] = True, True, True  # two rooms and a gap of two pixels
    flat[1:11, 27:29] = True  # a narrow building
    areas = _apart(flat)
    assert areas[2, 2] != areas[2, 20]
    assert len({areas[2, 2], areas[2, 20], areas[2, 27]} - {0}) == 3


def test_missing_heights_divide_nothing():
    height, number = terraces(0.0, 0)
    assert divided(np.full_like(height, np.nan), number > 0).max() == 6
    height[:, 60:] = np.nan
    labels = divided(height, number > 0)
    assert ((labels > 0) == (number > 0)).all()
    assert labels.max() < 36


@pytest.mark.parametrize("what", ["probability", "wall"])
def test_a_method_may_see_walls_where_the_height_is_the_same(what):
    mask = np.zeros((40, 80), bool)
    mask[10:30, 10:70] = True
    wall = np.zeros(mask.shape, bool)
    wall[10:30, 39:41] = True
    seen = np.where(wall, 0.9, 0.1) if what == "wall" else np.where(wall, 0.5, 0.95) * mask
    labels = divided(np.where(mask, 6, 0).astype(np.float32), mask, **{what: seen.astype(np.float32)})
    assert labels.max() == 2
    assert ((labels == 1)[10:30, 10:40]).all()
    assert ((labels == 2)[10:30, 40:70]).all()


def test_narrow_buildings_are_divided_by_walls():
    mask, wall = np.zeros((30, 80), bool), np.zeros((30, 80), np.float32)
    mask[5:21, 10:70] = True  # of 4 m x 8 m each, with walls of two pixels
    wall[5:21, 17:70:8], wall[5:21, 18:70:8] = 1, 1
    assert divided(np.where(mask, 6, 0).astype(np.float32), mask, wall=wall).max() >= 7


def test_walls_decide_alone():
    height, number = terraces(0.0, 0)
    assert divided(height, number > 0, wall=np.zeros(height.shape, np.float32)).max() == 6


@pytest.mark.slow
def test_true_walls_divide_the_city(tmp_path):
    settings = CitySettings(seed=1)
    city, grid = generate(settings), synthetic_grid(settings)
    truth = geopandas.GeoSeries([building.polygon for building in city.buildings], crs=grid.crs)
    burn_walls(truth.to_frame("geometry"), grid, tmp_path / "wall.tif")
    with open_raster(tmp_path / "wall.tif") as raster:
        wall = read_heights(raster)
    found = extract(city.ndsm, city.building, grid.transform, grid.crs, split_step_m=0.5, wall=wall)
    assert detection_scores(overlaps(found, truth), [0.5])["f1"].item() > 0.98


@pytest.mark.parametrize("turn_deg", [20, 45])
@pytest.mark.parametrize("noise_m", [0.0, 0.3])
def test_a_turned_terrace_is_divided(turn_deg, noise_m):
    _height, number = terraces(0.0, 0)
    house = rotate(np.where(number > 6, 0, number), turn_deg, order=0)
    noise = np.random.default_rng([turn_deg]).normal(0, noise_m, house.shape)
    height = np.where(house > 0, 6 + 1.5 * ((house - 1) % 2), 0) + noise
    labels = divided(height.astype(np.float32), house > 0)
    common = np.bincount(7 * labels.ravel() + house.ravel(), minlength=49).reshape(-1, 7)[1:, 1:]
    assert labels.max() == 6
    assert len(set(common.argmax(axis=0))) == 6
    assert (common.max(axis=0) > 0.8 * np.bincount(house.ravel())[1:]).all()


@pytest.mark.parametrize("turn_deg", [0, 30, 42, 45, 48, 60])
@pytest.mark.parametrize("gsd_m", [0.1, 0.2, 0.25, 0.4, 0.5])
def test_a_step_divides_two_houses_at_any_angle_and_pixel_size(gsd_m, turn_deg):
    n = round(30 / gsd_m)
    y, x = (np.mgrid[:n, :n] + 0.5) * gsd_m - 15
    angle = np.radians(turn_deg)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    mask, true = (np.abs(u) <= 12) & (np.abs(v) <= 5), u < 2  # 140 m2 at 6 m, 100 m2 at 12 m
    height = np.where(true, 6, 12) + np.random.default_rng([0]).normal(0, 0.1, mask.shape)
    labels = split(label(mask)[0], Evidence(np.where(mask, height, 0).astype(np.float32)), gsd_m, 0.5, 20.0)
    assert labels.max() == 2
    wrong = mask & ((labels == labels[n // 2, n // 2]) != true)
    assert wrong.sum() * gsd_m**2 <= 5

import numpy as np
import pytest

from img2height.buildings import footprint_mask, vegetation_index
from img2height.errors import DataError
from img2height.settings.protocol import Buildings

SETTINGS = Buildings(min_height_m=2.5, ndvi_max=0.2, vari_max=0.1, min_area_m2=20.0, max_hole_m2=10.0, simplify_m=1.0)
RGB = ["red", "green", "blue"]
GREY, GREEN = [120, 120, 120], [60, 140, 60]


def scene(size: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Flat grey ground."""
    image = np.tile(np.array(GREY, np.uint8)[:, None, None], (1, size, size))
    return np.zeros((size, size), np.float32), image


def test_ndvi_and_vari_by_hand():
    image = np.array([60, 140, 60, 180], np.uint8)[:, None, None]  # red, green, blue, nir
    index, name = vegetation_index(image, [*RGB, "nir"])
    assert (name, index[0, 0]) == ("ndvi", pytest.approx(120 / 240))
    index, name = vegetation_index(image[:3], RGB)
    assert (name, index[0, 0]) == ("vari", pytest.approx(80 / 140))
    assert index.dtype == np.float32


def test_index_is_undefined_without_light_and_for_blue():
    image = np.array([[0, 10], [0, 20], [0, 90]], np.uint8)[:, None]
    assert np.isnan(vegetation_index(image, RGB)[0]).all()


@pytest.mark.parametrize(
    ("bands", "channels", "words"),
    [(["red", "green"], 2, "no vegetation index"), (["pan"], 1, "no vegetation index"), (RGB, 4, "CxHxW")],
)
def test_image_without_an_index_is_refused(bands, channels, words):
    with pytest.raises(DataError, match=words):
        vegetation_index(np.zeros((channels, 2, 2)), bands)


def test_buildings_are_kept_and_trees_removed():
    height, image = scene()
    height[5:12, 5:12] = 8
    height[18:26, 18:26] = 8
    image[:, 18:26, 18:26] = np.array(GREEN)[:, None, None]
    footprint = footprint_mask(height, image, RGB, 1.0, SETTINGS)
    assert footprint.dtype == np.uint8
    assert footprint[5:12, 5:12].all()
    assert footprint.sum() == 49
    assert footprint_mask(height, None, [], 1.0, SETTINGS).sum() == 49 + 64


@pytest.mark.parametrize(("gsd_m", "kept"), [(1.0, 20), (0.5, 80), (0.1, 2000)])
def test_small_regions_are_removed_and_the_smallest_allowed_is_kept(gsd_m, kept):
    height = np.zeros((60, 60), np.float32)
    rows, rest = divmod(kept, 50)
    height[2 : 2 + rows, 2:52] = 5
    height[2 + rows, 2 : 2 + rest] = 5
    assert (footprint_mask(height, None, [], gsd_m, SETTINGS) == 1).sum() == kept
    height[tuple(np.argwhere(height > 0)[-1])] = 0
    assert (footprint_mask(height, None, [], gsd_m, SETTINGS) == 1).sum() == 0


def test_small_holes_are_filled_and_courtyards_kept():
    height, _ = scene()
    height[2:28, 2:28] = 9
    height[5:7, 5:10] = 0  # 10 m2
    height[15:18, 15:19] = 0  # 12 m2
    footprint = footprint_mask(height, None, [], 1.0, SETTINGS)
    assert footprint[5:7, 5:10].all()
    assert not footprint[15:18, 15:19].any()


def test_corners_do_not_join_regions():
    height, _ = scene()
    height[2:6, 2:6] = height[6:10, 6:10] = 9  # 16 m2 each, 32 m2 together
    assert footprint_mask(height, None, [], 1.0, SETTINGS).sum() == 0


def test_missing_height_stays_missing_even_in_a_hole():
    height, _ = scene()
    height[2:12, 2:12] = 9
    height[5, 5] = np.nan
    height[20, 20] = -9999
    footprint = footprint_mask(height, None, [], 1.0, SETTINGS)
    assert (footprint[5, 5], footprint[20, 20], (footprint == 255).sum()) == (255, 255, 2)


def test_height_threshold_is_exclusive_and_settable():
    height, _ = scene()
    height[2:12, 2:12] = 2.5
    assert footprint_mask(height, None, [], 1.0, SETTINGS).sum() == 0
    assert footprint_mask(height, None, [], 1.0, SETTINGS.model_copy(update={"min_height_m": 2.4})).sum() == 100


def test_image_on_another_grid_is_refused():
    with pytest.raises(DataError, match="one grid"):
        footprint_mask(np.zeros((4, 4)), np.zeros((3, 5, 5)), RGB, 1.0, SETTINGS)

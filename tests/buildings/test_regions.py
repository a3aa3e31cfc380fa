from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.crs import CRS
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter
from skimage.measure import label, regionprops
from skimage.morphology import remove_small_holes, remove_small_objects

from img2height.buildings import extract, footprint_mask, regions
from img2height.buildings.regions import Reader, find_regions
from img2height.settings.protocol import Buildings

GRID = Affine(0.3, 0, 500_000.1, 0, -0.3, 5_400_000.7), CRS.from_epsg(25832)
SETTINGS = Buildings(min_height_m=2.5, ndvi_max=0.2, vari_max=0.1, min_area_m2=4.0, max_hole_m2=3.0, simplify_m=1.0)
T = TypeVar("T")
masks = arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def reader(array: np.ndarray) -> Reader:
    return lambda window: array[window.toslices()]


def in_blocks(side: int, work: Callable[[], T]) -> T:
    """Return the result of a function with blocks so small that regions cross many of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BLOCK_PX", side)
        return work()


def test_a_snake_through_all_blocks_is_one_region():
    mask = np.zeros((9, 9), bool)
    mask[::2], mask[1, 8], mask[3, 0], mask[5, 8], mask[7, 0] = True, True, True, True, True
    mask[2, 4] = False  # cuts it in two
    found = in_blocks(2, lambda: find_regions(reader(mask), mask.shape))
    assert found.table.to_numpy().tolist() == [[9 + 1 + 4, 0, 0, 0, 3, 9], [4 + 1 + 9 + 1 + 9 + 1 + 9, 18, 2, 0, 9, 9]]
    sizes = in_blocks(2, lambda: found.sizes(mask[2:4, 4:6], Window(4, 2, 2, 2)))
    assert sizes.tolist() == [[0, 14], [0, 0]]


@given(masks, st.integers(1, 6))
def test_regions_are_those_of_the_whole(mask, side):
    found = in_blocks(side, lambda: find_regions(reader(mask), mask.shape))
    labels = label(mask, connectivity=1)
    whole = [
        [p.area, np.flatnonzero(labels == p.label)[0], *p.bbox]
        for p in regionprops(labels)  # top left bottom right
    ]
    assert sorted(found.table.to_numpy().tolist()) == sorted(whole)


@given(masks, st.integers(1, 6))
def test_every_region_is_complete_in_one_window(mask, side):
    labels = label(mask, connectivity=1)
    seen = []
    for window, first in in_blocks(side, lambda: list(find_regions(reader(mask), mask.shape).windows())):
        inside = label(mask[window.toslices()], connectivity=1)
        for pixel in first:
            row, column = np.divmod(pixel, mask.shape[1])
            one = inside == inside[row - window.row_off, column - window.col_off]
            assert one.sum() == (labels == labels[row, column]).sum()
        seen += first.tolist()
    assert sorted(seen) == [p[0] for p in (np.flatnonzero(labels == n) for n in range(1, labels.max() + 1))]


@settings(max_examples=50)
@given(arrays(np.float32, (13, 11), elements=st.sampled_from([0, 0, 9, np.nan])), st.integers(1, 6))
def test_footprints_do_not_depend_on_blocks(height, side):
    """They are those of scikit-image on the whole raster."""
    footprint = in_blocks(side, lambda: footprint_mask(height, None, [], 1.0, SETTINGS))
    building = remove_small_objects(height > 2.5, max_size=3, connectivity=1)
    building = remove_small_holes(building, max_size=3, connectivity=1)
    assert (footprint == np.where(np.isnan(height), 255, building)).all()


@settings(max_examples=50)
@given(masks, st.integers(1, 6), st.sampled_from([0.0, 0.5]))
def test_buildings_do_not_depend_on_blocks(mask, side, simplify_m):
    height = np.random.default_rng([mask.size]).normal(9, 3, mask.shape).astype(np.float32)
    height[::3, ::4] = np.nan
    rules = {"simplify_m": simplify_m, "ground": height + 300}
    whole = extract(height, mask, *GRID, **rules)
    parts = in_blocks(side, lambda: extract(height, mask, *GRID, **rules))
    assert parts.equals(whole)
    assert parts.geometry.to_wkb().tolist() == whole.geometry.to_wkb().tolist()


@settings(max_examples=25)  # each is an image with dozens of buildings
@given(
    st.integers(0, 1000), st.integers(7, 40), st.sampled_from([0.0, 0.6, 1.5]), st.sampled_from(["probability", "wall"])
)
def test_divided_buildings_do_not_depend_on_blocks(seed, side, simplify_m, predicted):
    rng = np.random.default_rng([seed])
    size = rng.integers(20, 90, 2)
    mask = gaussian_filter(rng.normal(size=size), 3) > -0.02
    height = 6 + 3 * np.round(40 * gaussian_filter(rng.normal(size=size), 4)) + rng.normal(0, 0.1, size)
    height = np.where(rng.random(size) < 0.02, np.nan, height).astype(np.float32)
    footprint = np.where(rng.random(size) < 0.003, 255, mask).astype(np.uint8)
    seen = gaussian_filter(rng.random(size), 1).astype(np.float32)
    rules = {"split_step_m": 0.6, "min_area_m2": 3.0, "simplify_m": simplify_m, predicted: seen}
    whole = extract(height, footprint, *GRID, **rules)
    parts = in_blocks(side, lambda: extract(height, footprint, *GRID, **rules))
    assert parts.equals(whole)
    assert parts.geometry.to_wkb().tolist() == whole.geometry.to_wkb().tolist()
    assert shapely.coverage_is_valid(whole.geometry.to_numpy())
    if simplify_m == 0:
        assert whole.area_m2.sum() == pytest.approx((footprint == 1).sum() * 0.09)

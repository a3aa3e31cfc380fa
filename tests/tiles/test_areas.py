import geopandas
import numpy as np
import shapely
from ground_cases import ground
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window

from img2height.io.grid import footprint, reproject
from img2height.tiles.areas import area_mask, area_of, area_window

SIDES = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted).filter(lambda pair: pair[0] < pair[1])


@given(SIDES, SIDES, st.integers(0, 20), st.integers(0, 20))
def test_a_mask_of_whole_pixels_is_exact(cols, rows, col_off, row_off):
    whole = np.zeros((60, 60), bool)
    whole[rows[0] : rows[1], cols[0] : cols[1]] = True
    area = shapely.box(cols[0], rows[0], cols[1], rows[1])
    found = area_mask(area, Window(col_off, row_off, 30, 25))
    assert (found == whole[row_off : row_off + 25, col_off : col_off + 30]).all()
    window = area_window(area)
    assert area_mask(area, window).all()
    assert (window.width, window.height) == (cols[1] - cols[0], rows[1] - rows[0])


def test_nothing_is_no_ground():
    empty = shapely.Polygon()
    assert not area_mask(empty, Window(0, 0, 3, 4)).any()
    assert area_window(empty).width == 0


def test_ground_is_looked_up_by_part_scene_and_fold():
    boxes = [shapely.box(0, 0, 2, 2), shapely.box(2, 0, 4, 2), shapely.box(0, 0, 9, 9)]
    facts = {"fold": [0, 1, 0], "part": ["test", "test", "train"], "dataset": ["d"] * 3, "scene": ["s"] * 3}
    areas = geopandas.GeoDataFrame(facts, geometry=boxes)
    assert area_of(areas, "test", "d", "s").area == 8
    assert area_of(areas, "test", "d", "s", fold=1).bounds == (2, 0, 4, 2)
    assert area_of(areas, "val", "d", "s").is_empty


def test_ground_keeps_its_size_in_another_zone():
    scene = ground(2000, 1000)
    there = reproject(footprint(scene.grid), scene.grid, "EPSG:32632")
    assert abs(there.area / 2e6 - 1) < 0.01  # the zones differ in scale, 500 km from the meridian

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window

from img2height.io.areas import area_mask, area_window, burn, in_window, outlines, window_box

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


def test_an_empty_area_has_no_pixels():
    empty = shapely.Polygon()
    assert not area_mask(empty, Window(0, 0, 3, 4)).any()
    assert area_window(empty).width == 0


def test_the_last_area_burns_and_nothing_is_0() -> None:
    areas = [(shapely.box(10, 5, 14, 8), 1), (shapely.box(12, 5, 20, 6), 2)]
    found = burn(areas, Window(10, 5, 4, 3), "uint8")
    assert found.tolist() == [[1, 1, 2, 2], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert burn([], Window(0, 0, 2, 3), "int32").shape == (3, 2)


@pytest.mark.parametrize("step", [1, 8])
def test_outlines_of_burnt_areas_are_the_areas(step: int) -> None:
    window = Window(16, 8, 64, 40)
    area = shapely.box(24, 16, 48, 32).difference(shapely.box(32, 24, 40, 32))
    ((found, number),) = outlines(burn([(area, 7)], window, "int32", step), window, step)
    assert number == 7
    assert found.equals(area)


def test_squares_of_pixels_are_cut_at_the_edge_and_count_by_their_centre() -> None:
    mask = area_mask(shapely.box(0, 0, 13, 24), Window(0, 0, 20, 17), step=8)
    assert mask.tolist() == [[True, True, False]] * 3  # the second square of columns has its centre at 12


def test_areas_are_relative_to_the_corner_of_a_window() -> None:
    window = Window(30, 20, 60, 40)
    assert in_window(window_box(window), window, 4).bounds == (0, 0, 15, 10)

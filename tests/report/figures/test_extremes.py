"""The best and the worst tiles."""

from pathlib import Path

import numpy as np
import pandas
import pytest
from matplotlib.figure import Figure
from rasterio.windows import Window

from img2height.conformal.raster import BANDS
from img2height.io.rasters import height_band, write_cog
from img2height.report.figures.extremes import extremes, place, tile_view
from img2height.report.figures.strip import TITLES, strip
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import NODATA


def tiles_of(*tiles: tuple[float, int], stratum: str = "all") -> pandas.DataFrame:
    rows = [("demo", "houses", 64 * n, 0, 64, stratum, px, px * rmse**2) for n, (rmse, px) in enumerate(tiles)]
    columns = ["dataset", "scene", "col_off", "row_off", "size_px", "stratum", "pixels", "square_sum_m2"]
    return pandas.DataFrame(rows, columns=columns)


def test_three_best_and_three_worst_without_slivers():
    table = tiles_of(*[(float(n), 4096) for n in (5, 1, 7, 3, 2, 6, 4)], (99.0, 100))
    other = tiles_of((0.0, 4096), stratum="buildings")
    found = extremes(pandas.concat([table, other]))
    assert [item.rmse_m for item in found] == [1, 2, 3, 5, 6, 7]
    assert [item.worst for item in found] == [False] * 3 + [True] * 3
    assert found[0].window == Window(64, 0, 64, 64) and found[0].scene == ("demo", "houses")


@pytest.mark.parametrize(("count", "worst"), [(0, []), (1, [False]), (2, [False, True]), (3, [False, False, True])])
def test_no_tile_is_both(count: int, worst: list[bool]):
    assert [item.worst for item in extremes(tiles_of(*[(n + 1.0, 4096) for n in range(count)]))] == worst


def test_slivers_are_shown_if_there_are_no_other_tiles():
    assert [item.rmse_m for item in extremes(tiles_of((2.0, 5), (1.0, 5)))] == [1.0, 2.0]


def test_a_place_has_map_and_geographic_coordinates(houses: Scene):
    assert place(houses.grid, Window(0, 0, 100, 40)) == (
        "x 500025.0, y 5799990.0 (EPSG:32633); 52.35020° N, 15.00037° E"
    )


def test_a_tile_at_the_edge_is_cut_and_drawn_in_a_row(houses: Scene, tmp_path: Path):
    heights = np.full(houses.grid.shape, 2, np.float32)
    write_cog(tmp_path / "h.tif", heights, houses.grid, [height_band("ndsm")], nodata=NODATA)
    view = tile_view(houses, Window(256, 256, 64, 64), methods=2)
    assert view.reference.shape == (280 - 256, 300 - 256)
    figure = strip(houses, view, tmp_path / "h.tif")
    width, height = figure.get_size_inches()
    assert width > 3 * height
    assert titles(figure) == TITLES[:4]


@pytest.mark.parametrize("width_m", [3.0, np.nan])
def test_the_width_of_the_intervals_is_drawn_where_there_are_any(houses: Scene, tmp_path: Path, width_m: float):
    heights = np.full(houses.grid.shape, 2, np.float32)
    write_cog(tmp_path / "h.tif", heights, houses.grid, [height_band("ndsm")], nodata=NODATA)
    bounds, bands = np.stack([heights, heights + np.float32(width_m)]), [height_band(name) for name in BANDS]
    write_cog(tmp_path / "i.tif", np.where(np.isfinite(bounds), bounds, NODATA), houses.grid, bands, nodata=NODATA)
    view = tile_view(houses, Window(0, 0, 64, 64), methods=2)
    figure = strip(houses, view, tmp_path / "h.tif", tmp_path / "i.tif")
    assert titles(figure) == TITLES[: 5 if np.isfinite(width_m) else 4]
    drawn = [axes.images[0].get_array() for axes in figure.axes if axes.get_title(loc="left") == TITLES[4]]
    assert all((array == width_m).all() for array in drawn)


def titles(figure: Figure) -> tuple[str, ...]:
    return tuple(title for axes in figure.axes if (title := axes.get_title(loc="left")))

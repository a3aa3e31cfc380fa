"""Figures: drawn to the pixel, in the same colours for all methods, the same bytes each time."""

import dataclasses

import geopandas
import matplotlib
import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from rasterio.windows import Window
from shapely.geometry import Polygon, box

from img2height.colours import ERROR_COLOURS, HEIGHT_COLOURS, Scales
from img2height.comparison.record import Interval
from img2height.report.figures.charts import class_errors, forest, scatter_density, training_curves
from img2height.report.figures.crop import View, read_view
from img2height.report.figures.drawing import DETAIL, HATCHED, drawn, nice_below, panels, png, show
from img2height.report.figures.joint import BINS
from img2height.report.figures.maps import buildings_panel, scene_panel
from img2height.report.tables.intervals import Uncertainty
from img2height.scenes.scene import Scene
from img2height.scoring.buildings import Outcomes

WHOLE = Window(0, 0, 300, 280)


@pytest.fixture(scope="module")
def view(houses: Scene) -> View:
    return read_view(houses, box(0, 0, 300, 280), WHOLE, 300)


def pixels_of(figure: Figure, axes: matplotlib.axes.Axes) -> np.ndarray:
    """Return the pixels of one panel as they are saved, HxWx3."""
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    left, bottom, right, top = (round(value) for value in axes.get_window_extent().extents)
    return drawn[drawn.shape[0] - top : drawn.shape[0] - bottom, left:right]


def coloured(figure: Figure, colours: str) -> list[matplotlib.axes.Axes]:
    """Return the panels that are drawn in a colour map; pictures have colours of their own."""
    images = [(axes, image) for axes in figure.axes for image in axes.images if image.get_array().ndim == 2]
    return [axes for axes, image in images if image.get_cmap().name == colours]


def test_a_scene_pixel_is_a_whole_number_of_picture_pixels(view: View):
    figure, axes, _, _ = panels(view, 4)
    image = view.image.copy()
    image[..., 3] = 255
    show(axes[3], image)
    drawn = pixels_of(figure, axes[3])
    zoom = drawn.shape[0] // 280
    assert drawn.shape == (280 * zoom, 300 * zoom, 3)
    expected = image[..., :3].repeat(zoom, 0).repeat(zoom, 1)
    assert np.abs(drawn.astype(int) - expected).max() <= 1


def test_too_high_is_red_too_low_is_blue_nodata_is_neither(view: View):
    prediction = np.where(np.arange(300) < 150, 3.0, -3.0) + view.reference
    figure = scene_panel(view, prediction.astype(np.float32))
    (error,) = coloured(figure, ERROR_COLOURS)
    drawn = pixels_of(figure, error).astype(int)
    red, _, blue = drawn[drawn.shape[0] // 2, drawn.shape[1] // 4]
    assert red > blue + 50
    red, _, blue = drawn[drawn.shape[0] // 2, drawn.shape[1] * 3 // 4]
    assert blue > red + 50
    corner = drawn[2:15, 2:15]
    assert (corner.max(axis=2) - corner.min(axis=2)).max() <= 2, "nodata is grey"
    assert ERROR_COLOURS in matplotlib.colormaps


def test_scales_depend_on_the_reference_only(view: View):
    assert view.scales == Scales(low_m=0, height_m=24, error_m=6)


def test_panels_name_units_and_nodata(view: View):
    figure = scene_panel(view, view.reference, detail=Window(0, 0, 100, 100))
    assert (
        len([axes for axes in figure.axes if axes.get_ylabel().endswith("(m)")]) == 3
    )  # two of heights, one of errors
    missing, detail = figure.legends[0].legend_handles
    assert missing.get_hatch() == HATCHED["hatch"] and to_hex(detail.get_edgecolor()) == DETAIL.lower()
    assert "20 m" in [text.get_text() for axes in figure.axes for text in axes.texts]


def test_before_and_after_share_their_scales(view: View):
    figure = scene_panel(view, view.reference + 1, before=view.reference + 2)
    titles = [title for axes in figure.axes if (title := axes.get_title(loc="left"))]
    assert len(titles) == len(set(titles)) == 6
    assert [axes.images[0].get_clim() for axes in coloured(figure, HEIGHT_COLOURS)] == [(0, 24)] * 3
    assert [axes.images[0].get_clim() for axes in coloured(figure, ERROR_COLOURS)] == [(-6, 6)] * 2


def test_terrain_has_its_own_scale(view: View):
    hills = dataclasses.replace(view, reference=view.reference + 400, terrain=True)
    assert hills.scales == Scales(low_m=400, height_m=424, error_m=6)
    figure = scene_panel(hills, hills.reference)
    assert [axes.get_ylabel() for axes in figure.axes].count(hills.unit) == 2
    assert hills.unit != view.unit


def test_outlines_lie_where_the_polygons_are(view: View, houses: Scene):
    west, north = houses.grid.transform @ (60, 40)
    east, south = houses.grid.transform @ (100, 70)
    frame = geopandas.GeoDataFrame(geometry=[box(west, south, east, north)], crs=houses.grid.crs)
    far = geopandas.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs=houses.grid.crs)
    figure = buildings_panel(view, frame, far)
    reference, predicted = figure.axes[0].collections
    assert len(reference.get_segments()) == 0
    corners = predicted.get_segments()[0]
    assert corners.min(axis=0).tolist() == [60, 40] and corners.max(axis=0).tolist() == [100, 70]


def test_false_and_missed_buildings_are_filled_and_courtyards_are_not(view: View, houses: Scene):
    court = Polygon(box(60, 40, 120, 100).exterior, [box(75, 55, 105, 85).exterior])
    shapes = np.array([houses.grid.to_map(shape) for shape in (court, box(200, 40, 230, 70), box(150, 150, 200, 200))])
    frame = geopandas.GeoDataFrame(geometry=shapes, crs=houses.grid.crs)
    figure = buildings_panel(view, frame[1:], frame[:1], Outcomes(shapes[2:], shapes[1:2], shapes[:1]))
    drawn, plain = (pixels_of(one, one.axes[0]).astype(int) for one in (figure, buildings_panel(view, frame[:0], None)))
    zoom = drawn.shape[0] // 280
    changed = np.abs(drawn - plain).sum(axis=2) > 60
    places = {"missed": (50, 68), "courtyard": (70, 90), "false": (55, 215), "found": (175, 175)}
    assert {name: bool(changed[row * zoom, column * zoom]) for name, (row, column) in places.items()} == {
        "missed": True, "courtyard": False, "false": True, "found": False,
    }  # fmt: skip


def test_same_figure_same_bytes_without_the_name_of_a_program(view: View):
    one, two = (png(drawn(scene_panel(view, view.reference * 0.9))) for _ in range(2))
    assert one == two and b"matplotlib" not in one.lower()


@given(st.floats(0.01, 1e6))
def test_scale_bars_are_round_and_fit(value: float):
    nice = nice_below(value)
    assert nice <= value * 1.000001 and nice > value / 2.500001
    assert f"{nice:e}"[0] in "125"


def test_charts_are_drawn_from_their_numbers():
    history = pandas.DataFrame({"samples": [1, 2], "train_loss": [1.0, 0.5], "val_rmse_m": [3.0, 2.0]})
    curves = training_curves({0: history, 1: history}, 2.5)
    assert [line.get_label() for line in curves.axes[1].lines] == ["fold 0", "fold 1", "mean_height"]
    assert curves.axes[1].lines[0].get_ydata().tolist() == [3.0, 2.0]
    joint = np.zeros((BINS, BINS), np.int64)
    joint[40, 30] = 5
    low, high = scatter_density(joint).axes[0].get_xlim()
    assert low <= 5 and high >= 10.5 and high - low < 10
    axes = class_errors(height_classes()).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [1.0, 4.0, 0.5, -4.0]
    assert [list(line.get_ydata()) for line in axes.lines[:2]] == [[3.5, 4.5], [-5.0, -3.0]]


def test_the_forest_plot_has_a_dot_per_method_and_a_whisker_per_interval():
    table = pandas.DataFrame(
        {"method": ["unet", "mean_height"], "trivial": [False, True], "all_rmse_m": [2.0, 4.0]}
        | {"buildings_rmse_m": [np.nan, np.nan]}
    )
    rows = [Interval("unet", 0, "all", "rmse_m", 2.0, 1.5, 2.5, 30, 64.0)]
    rows += [Interval("mean_height", 0, "all", "rmse_m", 4.0, np.nan, np.nan, 9, 64.0)]
    uncertainty = Uncertainty(rows, [], 0)
    axes = forest(table, uncertainty, 4.0).axes[0]
    assert axes.collections[0].get_offsets()[:, 0].tolist() == [2.0, 4.0] and len(axes.collections) == 1
    assert [list(line.get_xdata()) for line in axes.lines] == [[1.5, 2.5], [4.0, 4.0]]
    first, second = (label.get_text() for label in axes.get_yticklabels())
    assert first == "unet" and second.startswith("mean_height ")  # and that it is trivial


def interval(score: str, low_m: float, high_m: float) -> Interval:
    return Interval("unet", 0, "height_3_10", score, (low_m + high_m) / 2, low_m, high_m, 30, 64.0)


def height_classes() -> pandas.DataFrame:
    none = interval("bias_m", np.nan, np.nan)
    return pandas.DataFrame(
        {
            "title": ["up to 3 m", "3 to 10 m"],
            "pixels": [10, 2_000_000],
            "mae_m": [1.0, 4.0],
            "bias_m": [0.5, -4.0],
            "mae_m_interval": [None, interval("mae_m", 3.5, 4.5)],
            "bias_m_interval": [none, interval("bias_m", -5.0, -3.0)],
        }
    )

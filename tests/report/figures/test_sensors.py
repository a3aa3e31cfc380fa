"""What the sensors of a scene saw."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb
from rasterio.windows import Window
from shapely.geometry import box

from img2height.errors import DataError
from img2height.picture import FILLED
from img2height.report.figures.crop import View, read_view
from img2height.report.figures.sensors import sensor_names, sensors_panel
from img2height.scenes.scene import Scene

WHOLE = Window(0, 0, 300, 280)


@pytest.fixture(scope="module")
def view(stereo: Scene) -> View:
    return read_view(stereo, box(0, 0, 300, 280), WHOLE, 300)


def titles(scene: Scene, view: View) -> list[str]:
    return [title for axes in sensors_panel(scene, view).axes if (title := axes.get_title(loc="left"))]


def test_each_sensor_has_a_panel(stereo: Scene, view: View):
    assert titles(stereo, view) == [
        "Image: red, green, blue",
        "Radar: HH, HV, VV",
        "Stereo: view 3 red, view 4 cyan",
        "Initial surface model",
        "Reference, above ground",
    ]
    assert sensor_names(stereo) == ["image", "radar", "stereo views", "initial surface", "reference"]


def test_holes_the_look_and_metres_are_named(stereo: Scene, view: View):
    figure = sensors_panel(stereo, view)
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["elevation (m)", "height (m)"]
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [
        "filled: interpolated, not matched",
        "unknown: no data, or no prediction",
    ]
    assert to_rgb(legend.legend_handles[0].get_facecolor()) == tuple(value / 255 for value in FILLED)
    assert "radar look" in [text.get_text() for axes in figure.axes for text in axes.texts]


def test_views_without_pairs_are_shown_one_by_one(stereo: Scene, view: View):
    layers = {name: layer for name, layer in stereo.layers.items() if name != "pairs"}
    assert "View 1" in titles(dataclasses.replace(stereo, layers=layers), view)


def test_a_scene_with_an_image_has_image_and_reference(houses: Scene, view: View):
    assert titles(houses, view) == ["Image: red, green, blue", "Reference, above ground"]


def test_pairs_that_are_gone_are_told_in_one_line(stereo: Scene, view: View, tmp_path: Path):
    moved = dataclasses.replace(stereo, folder=shutil.copytree(stereo.folder, tmp_path / "scene"))
    (moved.folder / "pairs.csv").unlink()
    with pytest.raises(DataError, match=r"pairs\.csv: is missing or differs from the file"):
        sensors_panel(moved, view)

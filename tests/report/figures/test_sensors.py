"""Figures of the input layers of a scene."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb
from rasterio.windows import Window
from record_cases import numbers_in
from shapely.geometry import box

from img2height.errors import DataError
from img2height.picture import FILLED
from img2height.report.figures.crop import View, read_view
from img2height.report.figures.drawing import HATCHED
from img2height.report.figures.sensors import sensor_names, sensors_panel
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import LAYERS

WHOLE = Window(0, 0, 300, 280)


@pytest.fixture(scope="module")
def view(stereo: Scene) -> View:
    return read_view(stereo, box(0, 0, 300, 280), WHOLE, 300)


def titles(scene: Scene, view: View) -> list[str]:
    return [title for axes in sensors_panel(scene, view).axes if (title := axes.get_title(loc="left"))]


def test_each_layer_has_a_panel(stereo: Scene, view: View):
    image, radar, pair, initial, reference = titles(stereo, view)
    assert image == f"{LAYERS['eo'].title}: red, green, blue" and radar == f"{LAYERS['sar'].title}: HH, HV, VV"
    assert numbers_in(pair) == [3, 4]  # the views of the first pair that is tested
    assert initial != reference
    assert len(sensor_names(stereo)) == 5


def test_filled_pixels_look_direction_and_units_are_shown(stereo: Scene, view: View):
    figure = sensors_panel(stereo, view)
    assert [axes.get_ylabel()[-3:] for axes in figure.axes if axes.get_ylabel()] == ["(m)", "(m)"]
    filled, missing = figure.legends[0].legend_handles
    assert to_rgb(filled.get_facecolor()) == tuple(value / 255 for value in FILLED)
    assert missing.get_hatch() == HATCHED["hatch"]
    radar = next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(LAYERS["sar"].title))
    assert [axes for axes in figure.axes if axes.texts and axes is not figure.axes[0]] == [radar]  # where it looks from


def test_without_pairs_the_first_view_is_shown(stereo: Scene, view: View):
    layers = {name: layer for name, layer in stereo.layers.items() if name != "pairs"}
    assert numbers_in(titles(dataclasses.replace(stereo, layers=layers), view)[2]) == [1]


def test_a_scene_with_an_image_has_image_and_reference(houses: Scene, view: View):
    image, _ = titles(houses, view)
    assert image == f"{LAYERS['eo'].title}: red, green, blue"


def test_missing_pairs_are_reported_in_one_line(stereo: Scene, view: View, tmp_path: Path):
    moved = dataclasses.replace(stereo, folder=shutil.copytree(stereo.folder, tmp_path / "scene"))
    (moved.folder / "pairs.csv").unlink()
    with pytest.raises(DataError, match=r"pairs\.csv: is missing or differs from the file"):
        sensors_panel(moved, view)

"""The pictures of scenes and methods, for the page and as PNG files."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import geopandas
import numpy as np
import pandas
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError
from img2height.io.areas import area_window
from img2height.io.tables import read_geotable
from img2height.report.figures.charts import class_errors, scatter_density, training_curves, usable_histories
from img2height.report.figures.crop import DETAIL_PX, View, detail_window, read_prediction, read_view
from img2height.report.figures.joint import BINS, joint_histogram
from img2height.report.figures.maps import buildings_panel, scene_panel
from img2height.report.figures.pictures import Picture, chart, photo
from img2height.report.figures.sensors import sensor_names, sensors_panel
from img2height.report.run import MethodFiles
from img2height.scenes.scene import Scene
from img2height.scoring.buildings import Outcomes, compare_buildings, outcomes, reference_buildings
from img2height.scoring.method import Predicted
from img2height.tiles.areas import area_of
from img2height.vocabulary.layers import INITIAL

PAGE_PIXELS = 34_000_000  # 5 to 10 MB in the page; radar speckle compresses worst
SIDE_PX = (400, 1200)
MOST_SCENES = 4
METHOD_PANELS, REFINED_PANELS, SENSOR_PANELS = 5, 2, 8  # of a method, additional ones if it refines, of the sensors


class ScenePictures(NamedTuple):
    """The pictures of one method in one scene.

    Attributes:
        panels: heights and errors, of the scene and its detail.
        outlines: predicted buildings over the image, of both; empty for a terrain model.
    """

    panels: list[Picture]
    outlines: list[Picture]


@dataclass(frozen=True)
class ShownScene:
    """A scene with pictures on the page, and what the pictures of all methods have in common."""

    scene: Scene
    area: BaseGeometry
    overview: View
    detail: View | None
    reference: geopandas.GeoDataFrame | None

    @property
    def name(self) -> str:
        """Dataset and name of the scene."""
        return f"{self.scene.dataset}/{self.scene.name}"

    @property
    def views(self) -> list[tuple[View, str]]:
        """The views with their suffixes of file names."""
        return [(self.overview, "")] + ([] if self.detail is None else [(self.detail, "_detail")])


def shown_scenes(scenes: list[Scene], areas: geopandas.GeoDataFrame, methods: int, refining: int) -> list[ShownScene]:
    """Return a few scenes to draw, spread over the list, at a size that keeps the page small.

    Args:
        scenes: all evaluated scenes.
        areas: pixel areas of the folds.
        methods: number of methods.
        refining: how many of them refine the initial surface model.
    """
    count = min(len(scenes), max(1, min(MOST_SCENES, 12 // methods)))
    chosen = [scenes[index * len(scenes) // count] for index in range(count)]
    each = PAGE_PIXELS / (count * (methods * METHOD_PANELS + refining * REFINED_PANELS + SENSOR_PANELS))
    side = int(np.clip(math.sqrt(max(0.0, each - (2 * DETAIL_PX) ** 2)), *SIDE_PX))
    return [_shown_scene(scene, areas, side) for scene in chosen]


def _shown_scene(scene: Scene, areas: geopandas.GeoDataFrame, side_px: int) -> ShownScene:
    area = area_of(areas, "test", scene.dataset, scene.name)
    if area.is_empty:
        raise DataError(f"scene {scene.dataset}/{scene.name} has no test area; report the scenes that were evaluated")
    overview = read_view(scene, area, area_window(area), side_px)
    window = detail_window(overview)
    detail = None if window is None else read_view(scene, area, window, DETAIL_PX)
    return ShownScene(scene, area, overview, detail, reference_buildings(scene))


def sensor_pictures(shown: ShownScene, folder: Path) -> list[Picture]:
    """Return the pictures of the input layers of a scene, and write them as PNG files.

    Args:
        shown: the scene.
        folder: for `sensors_<scene>.png` and its detail.
    """
    names, pictures = ", ".join(sensor_names(shown.scene)), []
    for view, part in shown.views:
        caption = f"{'Detail of ' if part else ''}{shown.name}, {_pixel(view)}: {names}."
        path = folder / f"sensors_{shown.scene.name}{part}.png"
        pictures.append(photo(sensors_panel(shown.scene, view), path, caption, "input layers and reference"))
    return pictures


def scene_pictures(
    method: str, shown: ShownScene, made: Predicted, folder: Path, iou_min: float, *, refines: bool
) -> ScenePictures:
    """Return the pictures of one method in one scene, and write them as PNG files.

    Args:
        method: its name.
        shown: the scene.
        made: its predictions of the scene.
        folder: for `<method>_<scene>.png` etc.
        iou_min: smallest IoU of a found building.
        refines: whether the method refines the initial surface model, which is then shown next to its prediction.
    """
    predicted, pictures = read_geotable(made.polygons), ScenePictures([], [])
    found = _outcomes(shown, predicted, iou_min)
    name = f"{method}_{shown.scene.name}"
    detail = None if shown.detail is None else shown.detail.window
    for one, part in shown.views:
        view, heights = read_prediction(made.heights, shown.scene, one)
        before = read_prediction(shown.scene.path(INITIAL), shown.scene, view)[1] if refines else None
        figure = scene_panel(view, heights, shown.area, None if part else detail, before)
        caption = _panel_caption(method, shown, view, heights, part, before)
        kind = "image, reference, before, after, both errors" if refines else "image, reference, prediction, error"
        pictures.panels.append(photo(figure, folder / f"{name}{part}.png", caption, kind))
        if view.terrain:
            continue
        figure = buildings_panel(view, predicted, shown.reference, found)
        caption = _buildings_caption(method, predicted, found, iou_min, part)
        pictures.outlines.append(
            photo(figure, folder / f"{name}_buildings{part}.png", caption, "outlines over the image")
        )
    return pictures


def _outcomes(shown: ShownScene, predicted: geopandas.GeoDataFrame, iou_min: float) -> Outcomes | None:
    """Return found, false and missed buildings of the test area; None if the scene has no reference buildings."""
    if shown.reference is None:
        return None
    return outcomes(compare_buildings(shown.scene, predicted, shown.reference, shown.area), iou_min)


def _buildings_caption(
    method: str, predicted: geopandas.GeoDataFrame, found: Outcomes | None, iou_min: float, part: str
) -> str:
    title = f"{'Detail: b' if part else 'B'}uildings of {method} over the image."
    if found is None:
        return f"{title} {len(predicted)} predicted in the whole scene, which has no reference."
    return (
        f"{title} In the test area of the scene: found {len(found.right)} (IoU of at least {iou_min:g}), "
        f"missed {len(found.missed)}, false {len(found.false)}."
    )


def _panel_caption(
    method: str, shown: ShownScene, view: View, heights: np.ndarray, part: str, before: np.ndarray | None
) -> str:
    title = f"{'Detail of ' if part else ''}{method} in {shown.name}, {_pixel(view)}"
    if not (np.isfinite(heights - view.reference) & view.area).any():
        return f"{title}. No pixel has both a prediction and a reference."
    old = "" if before is None else f"; before the refinement: {_errors_in_view(view, before)}"
    return f"{title}. Errors in the view: {_errors_in_view(view, heights)}{old}."


def _errors_in_view(view: View, heights: np.ndarray) -> str:
    errors = (heights - view.reference)[view.area]
    errors = errors[np.isfinite(errors)]
    middle, spread = (np.median(errors), np.quantile(np.abs(errors), 0.9)) if errors.size else (np.nan, np.nan)
    return f"median {middle:+.2f} m, 90 % within {spread:.2f} m".replace("-", "−")


def _pixel(view: View) -> str:
    return f"{view.gsd_m * view.step:.3g} m per pixel" + ("" if view.step == 1 else f" (scene: {view.gsd_m:.3g} m)")


def charts(
    histories: dict[int, pandas.DataFrame], baseline_m: float | None, joint: np.ndarray, classes: pandas.DataFrame
) -> list[Picture]:
    """Return training curves (if the method was trained), density plot and errors by height class.

    Args:
        histories: by fold.
        baseline_m: validation RMSE of mean_height in metres.
        joint: pixels by reference and predicted height, over all scenes.
        classes: errors of the height classes.
    """
    pictures = []
    if histories:
        best = min(history["val_rmse_m"].min() for history in histories.values())
        caption = f"Training loss and validation RMSE against the number of training samples; best RMSE {best:.2f} m."
        pictures.append(chart(training_curves(histories, baseline_m), caption, "line chart"))
    if joint.any():
        caption = "Predicted against reference height, all test pixels; on the dashed line they are equal."
        pictures.append(chart(scatter_density(joint), caption, "density plot"))
    if len(classes):
        caption = "MAE and bias by reference height, with 95 % intervals, if any. The table below has the same numbers."
        pictures.append(chart(class_errors(classes), caption, "bar chart"))
    return pictures


def pooled_joint(files: MethodFiles, areas: geopandas.GeoDataFrame) -> np.ndarray:
    """Return the pixels of a method by reference and predicted height, over all its scenes."""
    joints = (
        joint_histogram(one.scene, area_of(areas, "test", one.scene.dataset, one.scene.name), one.heights)
        for one in files.predicted
    )
    return sum(joints, np.zeros((BINS, BINS), np.int64))


def read_histories(files: MethodFiles, folds: list[int]) -> tuple[dict[int, pandas.DataFrame], float]:
    """Return the histories that can be plotted by fold, and the best validation RMSE, averaged over the folds."""
    tables = {fold: pandas.read_csv(files.histories[fold]) for fold in folds}
    best = float(np.mean([table["val_rmse_m"].min() for table in tables.values()]))
    return usable_histories(tables), best

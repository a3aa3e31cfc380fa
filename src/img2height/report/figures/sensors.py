"""Figures of the input layers of a scene, each displayed as is usual: images, radar, stereo, initial surface."""

from typing import Any

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from img2height.colours import HEIGHT_COLOURS
from img2height.picture import FILLED, anaglyph, draw_look, limits_m, relief
from img2height.report.figures.crop import View, read_mask, read_pictures, read_surface
from img2height.report.figures.drawing import colour_bar, legend, nodata_key, panel_title, panels, scale_bar, show
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import INITIAL, INPUTS, PICTURES, PRESENT, RADAR, view_name

IMAGES = {name: INPUTS[name].title for name in PICTURES if INPUTS[name].kind in ("image", "backscatter")}


def sensors_panel(scene: Scene, view: View) -> Figure:
    """Return a figure with a panel per input layer of a scene, and the reference.

    Args:
        scene: with the layers.
        view: the window to draw.
    """
    shown = _image_panels(scene, view) | _stereo_panel(scene, view)
    surfaces = _surfaces(scene, view)
    figure, axes, bars, size = panels(view, len(shown) + len(surfaces))
    for panel, title in zip(axes, [*shown, *surfaces], strict=True):
        panel_title(panel, title, size)
    for panel, (title, picture) in zip(axes, shown.items(), strict=False):
        show(panel, picture)
        if title.startswith(IMAGES[RADAR]):
            _draw_look(panel, scene, size)
    for panel, bar, heights in zip(axes[len(shown) :], bars[len(shown) :], surfaces.values(), strict=True):
        limits, filled = limits_m(heights), None if heights is view.reference else _filled(scene, view)
        picture = relief(heights, limits, view.gsd_m * view.step, filled)
        show(panel, np.dstack([picture, np.where(np.isfinite(heights), 255, 0).astype(np.uint8)]))
        unit = view.unit if heights is view.reference else "elevation (m)"
        colour_bar(bar, ScalarMappable(Normalize(*limits), HEIGHT_COLOURS), unit, "both", size)
    scale_bar(axes[0], view, size)
    red, green, blue = (value / 255 for value in FILLED)
    keys = [Patch(color=(red, green, blue), label="filled: interpolated, not matched")] * (len(surfaces) - 1)
    valid = [picture[..., 3] > 0 for picture in shown.values()] + [np.isfinite(array) for array in surfaces.values()]
    legend(figure, keys if np.all(valid) else [*keys, nodata_key()], size)
    return figure


def sensor_names(scene: Scene) -> list[str]:
    """Return the names of the panels of a scene for a caption."""
    names = [name.lower() for layer, name in IMAGES.items() if layer in scene.layers]
    names += ["stereo views"] * (view_name(1) in scene.layers) + ["initial surface"] * (INITIAL in scene.layers)
    return [*names, "reference"]


def _image_panels(scene: Scene, view: View) -> dict[str, np.ndarray]:
    return {
        f"{name}: {bands}": picture
        for layer, name in IMAGES.items()
        if layer in scene.layers
        for bands, picture in read_pictures(scene, layer, view.window, view.shape).items()
    }


def _stereo_panel(scene: Scene, view: View) -> dict[str, np.ndarray]:
    """Return the first test pair of a scene as an anaglyph, or its first view in grey if it has no pairs."""
    if view_name(1) not in scene.layers:
        return {}
    numbers = [1]
    if "pairs" in scene.layers:
        pairs = pandas.read_csv(scene.path("pairs")).sort_values(["test", "pair"], ascending=[False, True])
        numbers = [int(number) for number in pairs[["first", "second"]].iloc[0]]
    views = [next(iter(read_pictures(scene, view_name(n), view.window, view.shape).values())) for n in numbers]
    if len(views) == 1:
        return {f"View {numbers[0]}": views[0]}
    opacity = np.minimum(views[0][..., 3], views[1][..., 3])
    picture = anaglyph(views[0][..., 0], views[1][..., 0], opacity > 0)
    return {f"Stereo: view {numbers[0]} red, view {numbers[1]} cyan": np.dstack([picture, opacity])}


def _surfaces(scene: Scene, view: View) -> dict[str, np.ndarray]:
    surfaces = {"Reference, terrain" if view.terrain else "Reference, above ground": view.reference}
    if INITIAL in scene.layers:
        initial = read_surface(scene.path(INITIAL), view.window, view.shape)
        surfaces = {"Initial surface model": initial} | surfaces
    return surfaces


def _filled(scene: Scene, view: View) -> np.ndarray | None:
    if "dsm_filled" not in scene.layers:
        return None
    return read_mask(scene.path("dsm_filled"), view.window, view.shape) == PRESENT


def _draw_look(panel: Axes, scene: Scene, size: float) -> None:
    if (azimuth := scene.layers[RADAR].look_azimuth_deg) is not None:
        draw_look(panel, azimuth, size)
        place: dict[str, Any] = {
            "transform": panel.transAxes,
            "color": "white",
            "size": size,
            "weight": "bold",
            "zorder": 5,
        }
        panel.text(0.15, 0.88, "radar look", va="center", bbox={"color": "black", "alpha": 0.5, "pad": 1}, **place)

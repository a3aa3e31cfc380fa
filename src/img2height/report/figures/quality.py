"""Figures of the data-quality page: where layers are missing, where they disagree, and where the image is displaced."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from rasterio.windows import Window

from img2height.report.figures.crop import BUILT_M, View, read_mask, read_pictures, read_view
from img2height.report.figures.drawing import (
    BLUE,
    DETAIL,
    GREY,
    ORANGE,
    PREDICTED,
    REFERENCE,
    Colours,
    colour_bar,
    legend,
    new_figure,
    nodata_key,
    panel_title,
    panels,
    scale_bar,
    show,
)
from img2height.report.figures.maps import height_colours
from img2height.scenes.displacement import Displacement
from img2height.scenes.doubts import FLAT_M
from img2height.scenes.registration import CONFIDENT
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import MISSING, PRESENT

SIDE_PX = 640
ARROW = 0.06  # of the longest side of a panel: length of the longest arrow
LIGHT = "#e6e6e6"
# What a pixel has: by number, colour and name.
COVERAGE = {
    0: (LIGHT, "image and heights"),
    1: (ORANGE, "image alone"),
    2: (REFERENCE, "heights alone"),
    3: (GREY, "none"),
}
AGREEMENT = {
    0: (LIGHT, "neither"),
    1: (GREY, "building, high"),
    2: (DETAIL, f"building, below {FLAT_M:g} m"),
    3: (REFERENCE, f"no building, above {BUILT_M:g} m: tree, or missing in the mask"),
}


def quality_panel(scene: Scene, field: Displacement | None) -> Figure:
    """Return a figure of a scene: image with its displacement, heights, missing pixels, and buildings against heights.

    Args:
        scene: prepared.
        field: where the image lies relative to the heights, if that could be measured.
    """
    view = _overview(scene)
    heights = bool({"ndsm", "dtm"} & scene.layers.keys())
    built = "building" in scene.layers and not view.terrain and heights
    figure, axes, bars, size = panels(view, 1 + 2 * heights + built)
    show(axes[0], view.image)
    scale_bar(axes[0], view, size)
    panel_title(axes[0], _arrows(axes[0], view, field) if field else "Image", size)
    keys: list[Artist] = [nodata_key()]
    if heights:
        shown = show(axes[1], view.reference, height_colours(view.scales))
        colour_bar(bars[1], shown, view.unit, "both" if view.terrain else "max", size)
        panel_title(axes[1], "Heights", size)
        image, height = view.image[..., 3] > 0, np.isfinite(view.reference)
        keys += _classes(axes[2], np.select([image & height, image, height], [0, 1, 2], 3), COVERAGE)
        panel_title(axes[2], "Valid pixels", size)
    if built:
        keys += _classes(axes[3], _agreement(scene, view), AGREEMENT)
        panel_title(axes[3], "Building mask and heights", size)
    legend(figure, keys, 0.8 * size)
    return figure


def histogram(values_m: np.ndarray) -> Figure:
    """Return a histogram of heights, with a logarithmic count so that outliers show.

    Args:
        values_m: finite heights in metres.
    """
    figure = new_figure(640, 260)
    axes = figure.add_axes((0.1, 0.2, 0.87, 0.74))
    # In float32, heights that hardly differ have no room for bins.
    axes.hist(values_m.astype(np.float64), bins=120, color=BLUE, log=True)
    axes.set_xlabel("height (m)", size=9)
    axes.set_ylabel("pixels", size=9)
    axes.tick_params(labelsize=8)
    return figure


def drawn_heights(scene: Scene) -> np.ndarray:
    """Return the valid heights of a scene as drawn, N float32 metres."""
    view = _overview(scene)
    return view.reference[np.isfinite(view.reference)]


def _overview(scene: Scene) -> View:
    whole = Window(0, 0, scene.grid.width, scene.grid.height)
    if {"ndsm", "dtm"} & scene.layers.keys():
        return read_view(scene, scene.grid.extent, whole, SIDE_PX)
    step = max(1, -(-max(scene.grid.shape) // SIDE_PX))
    shape = scene.grid.height // step, scene.grid.width // step
    whole = Window(0, 0, shape[1] * step, shape[0] * step)
    image = next(iter(read_pictures(scene, scene.picture, whole, shape).values()))
    nothing = np.full(shape, np.nan, np.float32)
    return View(whole, step, scene.grid, image, nothing, False, np.zeros(shape, bool), np.ones(shape, bool))


def _agreement(scene: Scene, view: View) -> np.ndarray:
    """Return the number of `AGREEMENT` of each drawn pixel, HxW, NaN where mask or height is missing."""
    mask = read_mask(scene.path("building"), view.window, view.shape)
    built, flat, high = mask == PRESENT, view.reference < FLAT_M, view.reference > BUILT_M
    found = np.select([built & flat, built, high], [2.0, 1.0, 3.0], 0.0)
    return np.where((mask == MISSING) | np.isnan(view.reference), np.nan, found)


def _classes(axes: Axes, numbers: np.ndarray, meaning: Mapping[int, tuple[str, str]]) -> list[Patch]:
    """Draw classes and return the legend entries of those that occur."""
    colours = ListedColormap([colour for colour, _ in meaning.values()])
    there = set(numbers[np.isfinite(numbers)].astype(int).tolist())
    shown = show(axes, numbers.astype(float), Colours(None, -0.5, len(meaning) - 0.5))
    shown.set_cmap(colours)
    return [Patch(facecolor=colour, edgecolor=GREY, label=name) for n, (colour, name) in meaning.items() if n in there]


def _arrows(axes: Axes, view: View, field: Displacement) -> str:
    """Draw the displacement at the nodes, magnified, and return a title that says how long the longest is."""
    columns, rows = np.meshgrid(field.columns, field.rows)
    sure = field.confidence >= CONFIDENT
    longest_m = max(float(np.hypot(field.east_m, field.north_m).max()), 1e-6)
    scale = ARROW * max(view.shape) / longest_m
    along: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.008}
    for mask, colour in ((sure, PREDICTED), (~sure, "white")):
        places = columns[mask] / view.step, rows[mask] / view.step
        ends = field.east_m[mask] * scale, -field.north_m[mask] * scale
        axes.quiver(*places, *ends, color=colour, edgecolor="black", linewidth=0.8, zorder=5, **along)
    return f"Image; arrows: its displacement from the heights, at most {longest_m:.1f} m"

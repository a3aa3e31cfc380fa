"""Figures of one method in one scene: heights and errors next to the image, and building outlines on it."""

from typing import Any

import geopandas
import numpy as np
import shapely
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.typing import LineStyleType
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.colours import ERROR_COLOURS, HEIGHT_COLOURS, Scales
from img2height.io.areas import window_box
from img2height.report.figures.crop import View
from img2height.report.figures.drawing import (
    DETAIL,
    FALSE,
    MISSED,
    PREDICTED,
    REFERENCE,
    Colours,
    colour_bar,
    legend,
    nodata_key,
    panel_title,
    panels,
    scale_bar,
    show,
)
from img2height.scoring.buildings import Outcomes

FILLED = 0.45  # opacity of false and missed buildings
DASHED = (0, (4, 1.5))


def height_colours(scales: Scales) -> Colours:
    """Return the colours of heights."""
    return Colours(HEIGHT_COLOURS, scales.low_m, scales.height_m)


def error_colours(scales: Scales) -> Colours:
    """Return the colours of errors."""
    return Colours(ERROR_COLOURS, -scales.error_m, scales.error_m)


def scene_panel(
    view: View,
    prediction: np.ndarray,
    area: BaseGeometry | None = None,
    detail: Window | None = None,
    before: np.ndarray | None = None,
) -> Figure:
    """Return a figure of image, reference, prediction and error, with colour bars in metres and a scale bar.

    For a refinement, the initial surface and its errors are shown too, on the same scales.

    Args:
        view: the view of the scene.
        prediction: HxW float32 metres on the same pixels, NaN where missing.
        area: outline to draw, in pixel coordinates of the scene.
        detail: window to mark, in pixels of the scene.
        before: HxW float32 metres, the initial surface of a refinement.
    """
    surfaces = {"Prediction": prediction} if before is None else {"Before": before, "After": prediction}
    heights = {"Reference": view.reference} | surfaces
    errors = {f"{name} − reference": surface - view.reference for name, surface in surfaces.items()}
    figure, axes, bars, size = panels(view, 1 + len(heights) + len(errors))
    show(axes[0], view.image)
    scale_bar(axes[0], view, size)
    scales, below = view.scales, "both" if view.terrain else "max"
    for panel, bar, array in zip(axes[1:], bars[1:], heights.values(), strict=False):
        colour_bar(bar, show(panel, array, height_colours(scales)), view.unit, below, size)
    for panel, bar, array in zip(axes[-len(errors) :], bars[-len(errors) :], errors.values(), strict=True):
        colour_bar(bar, show(panel, array, error_colours(scales)), "error (m)", "both", size)
    for panel, title in zip(axes, ["Image", *heights, *errors], strict=True):
        panel_title(panel, title, size)
    missing = any(np.isnan(error).any() for error in errors.values()) or (view.image[..., 3] == 0).any()
    keys = [nodata_key()] if missing else []
    legend(figure, [*keys, *_outlines(axes, view, area, detail, size)], size)
    return figure


def buildings_panel(
    view: View,
    predicted: geopandas.GeoDataFrame,
    reference: geopandas.GeoDataFrame | None,
    outcomes: Outcomes | None = None,
) -> Figure:
    """Return a figure of the image with predicted building outlines, and those of the reference if available.

    False and missed buildings are filled; found ones show the image, so that differences of the outlines are visible.

    Args:
        view: the view of the scene.
        predicted: polygons in map coordinates.
        reference: polygons in map coordinates, if any.
        outcomes: false and missed ones of those that count; None to fill none.
    """
    figure, (axes,), _, size = panels(view, 1)
    show(axes, view.image)
    keys: list[Artist] = []
    if reference is not None:
        shapes = reference.geometry.to_numpy()
        keys.append(_draw_outlines(axes, view, shapes, "reference", REFERENCE, "solid", size))
    shapes = predicted.geometry.to_numpy()
    keys.append(_draw_outlines(axes, view, shapes, "predicted", PREDICTED, DASHED, size))
    if outcomes is not None:
        keys.append(_fill(axes, view, outcomes.missed, "missed", MISSED, "solid", size))
        keys.append(_fill(axes, view, outcomes.false, "false", FALSE, DASHED, size))
    panel_title(axes, "Buildings over the image", size)
    scale_bar(axes, view, size)
    legend(figure, keys, size, boxed=True)
    return figure


def _fill(
    axes: Axes, view: View, shapes: np.ndarray, name: str, colour: str, style: LineStyleType, size: float
) -> Patch:
    """Draw and fill polygons in map coordinates, except their courtyards; return their legend entry."""
    seen = shapely.orient_polygons(_in_view(shapes, view))
    paths = [Path.make_compound_path(*map(Path, _rings(shape))) for shape in seen]
    axes.add_collection(PathCollection(paths, facecolors=colour, alpha=FILLED, linewidths=0, zorder=2), autolim=False)
    _draw_outlines(axes, view, shapes, name, colour, style, size)
    return Patch(color=colour, label=name)


def _draw_outlines(
    axes: Axes, view: View, shapes: np.ndarray, name: str, colour: str, style: LineStyleType, size: float
) -> Line2D:
    """Draw the outlines of polygons in map coordinates; return their legend entry."""
    effects = [withStroke(linewidth=0.28 * size, foreground="black")]
    options: dict[str, Any] = {"colors": colour, "linewidths": 0.16 * size, "path_effects": effects}
    rings = [ring for shape in _in_view(shapes, view) for ring in _rings(shape)]
    axes.add_collection(LineCollection(rings, linestyles=[style], zorder=3, **options), autolim=False)
    return Line2D([], [], color=colour, linestyle=style, linewidth=0.2 * size, label=name)


def _outlines(
    axes: list[Axes], view: View, area: BaseGeometry | None, detail: Window | None, size: float
) -> list[Line2D | Rectangle]:
    """Draw the border of the test area and the frame of the detail on all panels; return their legend entries."""
    keys: list[Line2D | Rectangle] = []
    if area is not None and not area.equals(area.envelope):  # a box is the window itself
        lines = _rings(view.drawn(area))
        for panel in axes:
            options: dict[str, Any] = {
                "colors": "white",
                "linewidths": 0.15 * size,
                "linestyles": "dashed",
                "zorder": 2,
            }
            stroke = [withStroke(linewidth=0.28 * size, foreground="black")]
            panel.add_collection(LineCollection(lines, path_effects=stroke, **options), autolim=False)
        keys.append(Line2D([], [], color="black", linestyle="dashed", label="test area"))
    if detail is not None:
        left, top, right, bottom = view.drawn(window_box(detail)).bounds
        frame: dict[str, Any] = {"fill": False, "edgecolor": DETAIL, "linewidth": 0.2 * size, "label": "detail"}
        for panel in axes:
            panel.add_patch(Rectangle((left, top), right - left, bottom - top, zorder=3, **frame))
        keys.append(Rectangle((0, 0), 1, 1, **frame))
    return keys


def _in_view(shapes: np.ndarray, view: View) -> np.ndarray:
    """Return those of some polygons in map coordinates that a view shows, in the pixels of the drawing."""
    drawn = view.drawn(view.grid.from_map(shapes))
    return drawn[shapely.intersects(drawn, view.drawn(window_box(view.window)))]


def _rings(shape: BaseGeometry) -> list[np.ndarray]:
    """Return the outer and inner rings of polygons, each Nx2."""
    polygons = [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon"]
    return [np.asarray(ring.coords)[:, :2] for part in polygons for ring in (part.exterior, *part.interiors)]

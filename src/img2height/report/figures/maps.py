"""Figures of one method in one scene: heights and errors next to the image, and building outlines on it."""

from typing import Any

import geopandas
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.typing import LineStyleType
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.colours import ERROR_COLOURS, HEIGHT_COLOURS, Scales
from img2height.io.areas import window_box
from img2height.report.figures.crop import View
from img2height.report.figures.drawing import (
    DETAIL,
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


def buildings_panel(view: View, predicted: geopandas.GeoDataFrame, reference: geopandas.GeoDataFrame | None) -> Figure:
    """Return a figure of the image with predicted building outlines, and those of the reference if available.

    Args:
        view: the view of the scene.
        predicted: polygons in map coordinates.
        reference: polygons in map coordinates, if any.
    """
    figure, (axes,), _, size = panels(view, 1)
    show(axes, view.image)
    keys = [] if reference is None else [_draw_buildings(axes, view, reference, "reference", REFERENCE, "solid", size)]
    keys.append(_draw_buildings(axes, view, predicted, "predicted", PREDICTED, (0, (4, 1.5)), size))
    panel_title(axes, "Buildings over the image", size)
    scale_bar(axes, view, size)
    legend(figure, keys, size, boxed=True)
    return figure


def _draw_buildings(
    axes: Axes, view: View, buildings: geopandas.GeoDataFrame, name: str, colour: str, style: LineStyleType, size: float
) -> Line2D:
    """Draw the outlines of buildings; return their legend entry."""
    effects = [withStroke(linewidth=0.28 * size, foreground="black")]
    options: dict[str, Any] = {"colors": colour, "linewidths": 0.16 * size, "path_effects": effects}
    lines = LineCollection(_drawn_lines(buildings, view), linestyles=[style], zorder=3, **options)
    axes.add_collection(lines, autolim=False)
    return Line2D([], [], color=colour, linestyle=style, linewidth=0.2 * size, label=f"{name} outline")


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


def _drawn_lines(frame: geopandas.GeoDataFrame, view: View) -> list[np.ndarray]:
    shapes = view.drawn(view.grid.from_map(frame.geometry.to_numpy()))
    seen = shapely.intersects(shapes, view.drawn(window_box(view.window)))
    return [line for shape in shapes[seen] for line in _rings(shape)]


def _rings(shape: BaseGeometry) -> list[np.ndarray]:
    """Return the outer and inner rings of polygons, each Nx2."""
    polygons = [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon"]
    return [np.asarray(ring.coords)[:, :2] for part in polygons for ring in (part.exterior, *part.interiors)]

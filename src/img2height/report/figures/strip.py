"""A row of pictures of one window: image, reference, prediction and error, and how wide the intervals are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from img2height.colours import WIDTH_COLOURS
from img2height.report.figures.crop import View, read_prediction, read_width
from img2height.report.figures.drawing import DPI, Colours, colour_bar, new_figure, panel_title, scale_bar, show
from img2height.report.figures.maps import error_colours, height_colours
from img2height.scenes.scene import Scene

SIDE_PX = 192  # smaller windows are magnified
UNIT_PX = 11
FONT_SIZE = UNIT_PX * 72 / DPI
TITLES = ("Image", "Reference", "Prediction", "Prediction − reference", "Width of the 90 % interval")
WIDEST = 99.0  # percentile of the widths at the end of their scale


def strip(scene: Scene, view: View, height: Path, interval: Path | None = None) -> Figure:
    """Return a figure of a window in a row; heights share one scale.

    Args:
        scene: of the window.
        view: the window.
        height: predicted heights in metres on the scene's grid.
        interval: their intervals, see `conformal.raster`, whose width is shown too if any pixel has one.
    """
    view, predicted = read_prediction(height, scene, view)
    width = np.empty(0) if interval is None else read_width(interval, view)
    some = bool(np.isfinite(width).any())
    figure, axes, bar = _panels(view, 4 + some)
    scales, below = view.scales, "both" if view.terrain else "max"
    show(axes[0], view.image)
    scale_bar(axes[0], view, FONT_SIZE)
    show(axes[1], view.reference, height_colours(scales))
    bar(2, show(axes[2], predicted, height_colours(scales)), view.unit, below)
    bar(3, show(axes[3], predicted - view.reference, error_colours(scales)), "error (m)", "both")
    if some:
        widest_m = float(np.nanpercentile(width, WIDEST))
        bar(4, show(axes[4], width, Colours(WIDTH_COLOURS, 0.0, widest_m)), "width (m)", "max")
    for panel, title in zip(axes, TITLES, strict=False):
        panel_title(panel, title, 0.9 * FONT_SIZE)
    return figure


def _panels(view: View, count: int) -> tuple[Figure, list[Axes], Callable[[int, AxesImage, str, str], None]]:
    """Return a figure of panels in a row, and what draws a colour bar next to one, from the third on."""
    rows, columns = view.reference.shape
    zoom = max(1, SIDE_PX // max(rows, columns))
    width, height, gap = columns * zoom, rows * zoom, UNIT_PX
    lefts = [gap * (1 + n + 5 * max(n - 2, 0)) + n * width for n in range(count)]
    total = lefts[-1] + width + 6 * gap, height + 3 * gap
    figure = new_figure(*total)

    def axes(left: int, across: int) -> Axes:
        return figure.add_axes((left / total[0], gap / total[1], across / total[0], height / total[1]))

    def bar(number: int, shown: AxesImage, label: str, extend: str) -> None:
        colour_bar(axes(lefts[number] + width + gap // 2, gap), shown, label, extend, 0.9 * FONT_SIZE)

    panels = [axes(left, width) for left in lefts]
    for panel in panels:
        panel.set_axis_off()
    return figure, panels, bar

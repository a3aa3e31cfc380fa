"""Basics of all figures: layout in whole pixels, colours for colour-blind readers, and encoding.

Scene pixels are drawn one to one or magnified by a whole number, so that drawing does not blur them.
"""

import base64
import io
import math
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image

from img2height.report.figures.crop import View

DPI = 100
SMALLEST_PANEL_PX = 512
# Colours of Okabe and Ito (2008): yellow, sky blue and vermilion on images, the others in charts.
PREDICTED, REFERENCE, DETAIL = "#F0E442", "#56B4E9", "#D55E00"
FALSE, MISSED = "#CC79A7", DETAIL  # reddish purple
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#595959"
BOX = {"facecolor": GREY, "labelcolor": "white"}
HATCHED: dict[str, Any] = {"facecolor": "#c8c8c8", "edgecolor": "#8a8a8a", "hatch": "////", "linewidth": 0}
WEBP = {"quality": 82, "method": 4}
STYLE: list[str | dict[str, Any]] = ["default", {"hatch.linewidth": 0.8}]  # not those of the user's matplotlibrc


class Colours(NamedTuple):
    """Colour map of an array and the values at its ends; the defaults are for a picture, which has its own colours."""

    name: str | None = None
    low: float | None = None
    high: float | None = None


class Panels(NamedTuple):
    """A figure of several panels.

    Attributes:
        figure: the figure.
        axes: of each panel.
        bars: axes next to each panel for a colour bar.
        font_size: in points.
    """

    figure: Figure
    axes: list[Axes]
    bars: list[Axes]
    font_size: float


PICTURE = Colours()


def new_figure(width_px: int, height_px: int) -> Figure:
    """Return an empty white figure of a size in pixels that can be drawn without a display."""
    figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def panels(view: View, count: int) -> Panels:
    """Return a figure with panels of one size.

    There are two columns of panels; four if the view is tall and narrow, one if it is wide.
    """
    rows, columns = view.reference.shape
    zoom = max(1, SMALLEST_PANEL_PX // max(rows, columns))
    width, height = columns * zoom, rows * zoom
    across = min(count, 4 if height > 1.6 * width else 1 if width > 3 * height else 2)
    unit = max(11, round(across * width / 90))  # pixels; text keeps its size if the page scales the figure down
    cell = width + 7 * unit, height + 2 * unit
    total = across * cell[0] + unit, math.ceil(count / across) * cell[1] + 3 * unit
    made = Panels(new_figure(*total), [], [], unit * 72 / DPI)
    for index in range(count):
        left = unit + (index % across) * cell[0]
        bottom = total[1] - (index // across) * cell[1] - 2 * unit - height
        made.axes.append(_axes(made.figure, left, bottom, width, height))
        made.bars.append(_axes(made.figure, left + width + unit // 2, bottom, unit, height))
        made.bars[-1].set_visible(False)
    return made


def _axes(figure: Figure, left: int, bottom: int, width: int, height: int) -> Axes:
    across, up = figure.get_size_inches() * DPI
    axes = figure.add_axes((left / across, bottom / up, width / across, height / up))
    axes.set_axis_off()
    return axes


def show(axes: Axes, array: np.ndarray, colours: Colours = PICTURE) -> AxesImage:
    """Return the drawn array; a hatched background shows where values are missing."""
    rows, columns = array.shape[:2]
    axes.add_patch(Rectangle((0, 0), columns, rows, **HATCHED))
    shown = array if array.ndim == 3 else np.ma.masked_invalid(array)
    cmap, low, high = colours
    extent = (0, columns, rows, 0)
    return axes.imshow(shown, cmap, vmin=low, vmax=high, extent=extent, interpolation="nearest", zorder=1)


def nodata_key() -> Patch:
    """Return the legend entry of missing values."""
    return Patch(label="no data or no prediction", **HATCHED)


def panel_title(axes: Axes, title: str, size: float) -> None:
    """Write the title of a panel above its left corner."""
    axes.set_title(title, size=1.15 * size, loc="left", pad=0.4 * size)


def legend(figure: Figure, keys: Sequence[Artist], size: float, *, boxed: bool = False) -> None:
    """Draw the legend of a figure below its panels; in a dark box for light colours."""
    if keys:
        options: dict[str, Any] = {"frameon": boxed} | (BOX if boxed else {})
        place = (0.005, 0.0)
        figure.legend(handles=keys, fontsize=size, loc="lower left", bbox_to_anchor=place, ncols=len(keys), **options)


def colour_bar(axes: Axes, shown: ScalarMappable, label: str, extend: str, size: float) -> None:
    """Draw the colour bar of a panel into the axes next to it."""
    axes.set_visible(True)
    axes.set_axis_on()
    bar = axes.figure.colorbar(shown, cax=axes, extend=extend)
    bar.set_label(label, size=size)
    bar.ax.tick_params(labelsize=0.9 * size)


def scale_bar(axes: Axes, view: View, size: float) -> None:
    """Draw a scale bar of a round length in metres, about a quarter of the panel."""
    rows, columns = view.reference.shape
    pixel_m = view.gsd_m * view.step
    length_m = nice_below(0.3 * columns * pixel_m)
    length, left, low = length_m / pixel_m, 0.03 * columns, 0.96 * rows
    thick, thin = ([withStroke(linewidth=share * size, foreground="black")] for share in (0.45, 0.15))
    label: dict[str, Any] = {"size": 1.1 * size, "weight": "bold", "va": "bottom", "path_effects": thin}
    axes.plot([left, left + length], [low, low], color="white", linewidth=0.25 * size, path_effects=thick, zorder=4)
    axes.text(left, low - 0.02 * rows, f"{length_m:g} m", color="white", zorder=4, **label)


def nice_below(value: float) -> float:
    """Return the largest of ..., 0.5, 1, 2, 5, 10, 20, ... that does not exceed a positive value."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (5, 2, 1) if step * power <= value * (1 + 1e-9))


def drawn(figure: Figure) -> np.ndarray:
    """Return the pixels of a `new_figure`, H x W x 4 uint8; drawing takes longer than encoding."""
    canvas = cast(FigureCanvasAgg, figure.canvas)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def png(pixels: np.ndarray) -> bytes:
    """Return the pixels of a figure as PNG; the same figure gives the same bytes."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", dpi=(DPI, DPI))
    return stream.getvalue()


def webp(pixels: np.ndarray) -> bytes:
    """Return the pixels of a figure as WebP, a fifth of the size of a PNG."""
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(stream, "WEBP", **WEBP)
    return stream.getvalue()


def data_uri(content: bytes, kind: str) -> str:
    """Return an encoded image as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"

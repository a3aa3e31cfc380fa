"""The answer of a study: a sentence, a table and a figure, for any question."""

from dataclasses import dataclass
from typing import Any

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

WIDTH_PX, HEIGHT_PX = 760, 480


@dataclass(frozen=True)
class Answer:
    """The result of a study.

    Attributes:
        finding: the main finding in words.
        table: the numbers; units are in the names of the columns.
        figure: a plot of the table.
    """

    finding: str
    table: pandas.DataFrame
    figure: Figure

    def to_markdown(self, title: str) -> str:
        """Return title, finding and table as Markdown."""
        text = pandas.DataFrame({name: map(_text, column) for name, column in self.table.items()})
        align = ["right" if pandas.api.types.is_numeric_dtype(dtype) else "left" for dtype in self.table.dtypes]
        table = text.to_markdown(index=False, colalign=align, disable_numparse=True)
        return f"# {title}\n\n{self.finding}\n\n{table}\n\n![{title}](figure.png)\n"


def interval_text(low_m: float, high_m: float) -> str:
    """Return an interval as text, or a note that there are too few blocks for one."""
    if pandas.isna(low_m):
        return "too few blocks for an interval"
    return f"95 % interval {low_m:.2f} to {high_m:.2f} m".replace("-", "−")


def error_bars(axes: Axes, places: ArrayLike, rows: pandas.DataFrame, **style: Any) -> None:
    """Draw RMSE with its interval at positions on the x axis.

    Args:
        axes: the axes to draw on.
        places: one position per row.
        rows: rmse_m, low_m and high_m; without an interval there is no bar.
        style: of `Axes.errorbar`.
    """
    low, high = ((rows[end] - rows["rmse_m"]).abs() for end in ("low_m", "high_m"))
    axes.errorbar(places, rows["rmse_m"], yerr=[low, high], capsize=4, **style)


def finish(axes: Axes) -> None:
    """Draw a light grid behind the data, start RMSE at zero, and remove the frame."""
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
    axes.set_ylabel("RMSE (m)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#d9d9d9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False)


def _text(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return "–" if pandas.isna(value) else f"{value:.3f}"

"""Charts of one method: training curves, predicted against true height, errors by height class."""

from collections.abc import Sequence

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from img2height.report.drawing import new_figure
from img2height.report.profile import BIN_M, RANGE_M

WIDTH_PX, HEIGHT_PX = 580, 440
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#595959"  # Okabe and Ito (2008)
FOLD_STYLES = ["solid", "dashed", "dotted", "dashdot", (0, (1, 3)), (0, (6, 3))]
SHOWN_SHARE = 0.9999


def training_curves(histories: dict[int, pandas.DataFrame], baseline_m: float | None) -> Figure:
    """Return a figure of training loss and validation RMSE against the samples seen, one line a fold.

    Args:
        histories: by fold, with samples, train_loss (normalised) and val_rmse_m.
        baseline_m: validation RMSE of mean_height in metres, drawn as the line to beat.
    """
    figure = new_figure(WIDTH_PX, HEIGHT_PX)
    loss, rmse = figure.subplots(2, 1, sharex=True)
    for index, (fold, history) in enumerate(histories.items()):
        line = {"linestyle": FOLD_STYLES[index % len(FOLD_STYLES)], "marker": "o", "markersize": 3}
        loss.plot(history["samples"], history["train_loss"], color=ORANGE, label=f"fold {fold}", **line)
        rmse.plot(history["samples"], history["val_rmse_m"], color=BLUE, label=f"fold {fold}", **line)
    if baseline_m is not None:
        rmse.axhline(baseline_m, color=GREY, linestyle=(0, (8, 4)), label="mean_height")
    loss.set(title="Training", ylabel="training loss\n(normalised)")
    rmse.set(ylabel="validation\nRMSE (m)", xlabel="training samples seen")
    rmse.set_ylim(bottom=0)
    loss.set_ylim(bottom=0)
    for axes in (loss, rmse):
        _finish(axes)
    rmse.legend(frameon=False, ncols=4)
    figure.align_ylabels()
    figure.set_layout_engine("tight")
    return figure


def scatter_density(joint: np.ndarray) -> Figure:
    """Return a figure of predicted against true height, pixels counted on a logarithmic scale, with the 1:1 line.

    Args:
        joint: pixels by true (rows) and predicted (columns) height, see `HeightProfile`.
    """
    figure = new_figure(WIDTH_PX, HEIGHT_PX)
    axes = figure.subplots()
    edges = RANGE_M[0] + BIN_M * np.arange(joint.shape[0] + 1)
    low, high = _shown(joint, edges)
    counts = np.ma.masked_equal(joint.T, 0)
    drawn = axes.pcolormesh(
        edges, edges, counts, cmap="cividis", norm=LogNorm(1, max(10, joint.max())), rasterized=True
    )
    axes.plot([low, high], [low, high], color="black", linestyle="dashed", linewidth=1, label="prediction = reference")
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal", title="Predicted against true height")
    axes.set(xlabel="reference height (m)", ylabel="predicted height (m)")
    figure.colorbar(drawn, ax=axes, label="pixels")
    _finish(axes)
    axes.legend(frameon=False, loc="upper left")
    figure.set_layout_engine("tight")
    return figure


def class_errors(table: pandas.DataFrame) -> Figure:
    """Return a figure of mean absolute error and bias by class of true height.

    Args:
        table: height, pixels, bias_m and mae_m, see `HeightProfile.table`.
    """
    figure = new_figure(WIDTH_PX, HEIGHT_PX)
    axes = figure.subplots()
    places = np.arange(len(table))
    axes.bar(places - 0.2, table["mae_m"], 0.38, color=BLUE, label="MAE")
    axes.bar(places + 0.2, table["bias_m"], 0.38, color=ORANGE, hatch="//", edgecolor="black", label="bias")
    axes.axhline(0, color="black", linewidth=1)
    labels = [f"{row.height}\n{_count(row.pixels)}" for row in table.itertuples()]
    axes.set_xticks(places, labels, size=9)
    axes.set(title="Error by reference height", ylabel="metres", xlabel="reference height, and pixels")
    _finish(axes)
    axes.legend(frameon=False)
    figure.set_layout_engine("tight")
    return figure


def usable_histories(histories: Sequence[pandas.DataFrame], folds: Sequence[int]) -> dict[int, pandas.DataFrame]:
    """Return the histories by fold that have a course: two validations or more."""
    return {fold: history for fold, history in zip(folds, histories, strict=True) if len(history) > 1}


def _shown(joint: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Return the range of heights that leaves out one pixel in ten thousand at each end."""
    counts = np.cumsum(joint.sum(axis=0) + joint.sum(axis=1))
    ends = np.searchsorted(counts, counts[-1] * np.array([1 - SHOWN_SHARE, SHOWN_SHARE]))
    return float(edges[ends[0]]) - BIN_M, float(edges[ends[1] + 1]) + BIN_M


def _count(pixels: int) -> str:
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if pixels >= unit:
            return f"{pixels / unit:.3g} {name} px"
    return f"{pixels} px"


def _finish(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#d9d9d9", linewidth=0.6)
    axes.set_axisbelow(True)

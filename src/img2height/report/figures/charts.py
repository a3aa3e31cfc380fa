"""Charts: RMSE of all methods, and per method training curves, predicted against reference height, height classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.typing import LineStyleType

from img2height.io.tables import rows_of
from img2height.report.figures.drawing import BLUE, GREY, ORANGE, new_figure
from img2height.report.figures.joint import BIN_M, RANGE_M
from img2height.report.tables.intervals import Uncertainty

WIDTH_PX, HEIGHT_PX = 580, 440
FOREST_PX, ROW_PX = 620, 34
FOLD_STYLES: list[LineStyleType] = [
    "solid",
    "dashed",
    "dotted",
    "dashdot",
    (0, (1, 3)),
    (0, (6, 3)),
]
SHOWN_SHARE = 0.9999
WHISKER: dict[str, Any] = {"color": "black", "linewidth": 1.6, "marker": "|", "markersize": 6}


def training_curves(histories: dict[int, pandas.DataFrame], baseline_m: float | None) -> Figure:
    """Return a figure of training loss and validation RMSE against the number of samples, one line per fold.

    Args:
        histories: by fold, with samples, train_loss (normalised) and val_rmse_m.
        baseline_m: validation RMSE of mean_height in metres, drawn for comparison.
    """
    figure = new_figure(WIDTH_PX, HEIGHT_PX)
    loss, rmse = figure.subplots(2, 1, sharex=True)
    for index, (fold, history) in enumerate(histories.items()):
        line: dict[str, Any] = {"linestyle": FOLD_STYLES[index % len(FOLD_STYLES)], "marker": "o", "markersize": 3}
        loss.plot(history["samples"], history["train_loss"], color=ORANGE, label=f"fold {fold}", **line)
        rmse.plot(history["samples"], history["val_rmse_m"], color=BLUE, label=f"fold {fold}", **line)
    if baseline_m is not None:
        rmse.axhline(baseline_m, color=GREY, linestyle=(0, (8, 4)), label="mean_height")
    loss.set(title="Training", ylabel="training loss\n(normalised)")
    rmse.set(ylabel="validation\nRMSE (m)", xlabel="training samples")
    rmse.set_ylim(bottom=0)
    loss.set_ylim(bottom=0)
    for axes in (loss, rmse):
        _finish(axes)
    rmse.legend(frameon=False, ncols=4)
    figure.align_ylabels()
    figure.set_layout_engine("tight")
    return figure


def scatter_density(joint: np.ndarray) -> Figure:
    """Return a figure of predicted against reference height as a logarithmic density of pixels, with the 1:1 line.

    Args:
        joint: pixels by reference (rows) and predicted (columns) height, see `joint_histogram`.
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
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal", title="Predicted against reference height")
    axes.set(xlabel="reference height (m)", ylabel="predicted height (m)")
    figure.colorbar(drawn, ax=axes, label="pixels")
    _finish(axes)
    axes.legend(frameon=False, loc="upper left")
    figure.set_layout_engine("tight")
    return figure


def class_errors(classes: pandas.DataFrame) -> Figure:
    """Return a figure of mean absolute error and bias by class of reference height, with 95 % intervals if available.

    Args:
        classes: rows of the height classes, see `img2height.report.tables.classes.class_table`.
    """
    figure = new_figure(WIDTH_PX, HEIGHT_PX)
    axes = figure.subplots()
    places = np.arange(len(classes))
    axes.bar(places - 0.2, classes["mae_m"], 0.38, color=BLUE, label="MAE")
    axes.bar(places + 0.2, classes["bias_m"], 0.38, color=ORANGE, hatch="//", edgecolor="black", label="bias")
    for shift, score in ((-0.2, "mae_m"), (0.2, "bias_m")):
        for x, interval in zip(places + shift, classes[f"{score}_interval"], strict=True):
            if interval is not None and interval.estimated:
                axes.plot([x, x], [interval.low, interval.high], **WHISKER)
    axes.axhline(0, color="black", linewidth=1)
    labels = [f"{row['title']}\n{_count(row['pixels'])}" for row in rows_of(classes)]
    axes.set_xticks(places, labels, size=9)
    axes.set(title="Error by reference height", ylabel="error (m)", xlabel="reference height, number of pixels")
    _finish(axes)
    axes.legend(frameon=False)
    figure.set_layout_engine("tight")
    return figure


def forest(table: pandas.DataFrame, uncertainty: Uncertainty, baseline_m: float | None) -> Figure:
    """Return a figure of the RMSE of each method with its 95 % interval, over all pixels and on buildings, best on top.

    Args:
        table: method, trivial, all_rmse_m and buildings_rmse_m of the methods in order.
        uncertainty: their intervals.
        baseline_m: RMSE of mean_height over all pixels in metres, drawn for comparison.
    """
    figure = new_figure(FOREST_PX, 130 + ROW_PX * len(table))
    axes = figure.subplots()
    places = -np.arange(len(table), dtype=float)
    for stratum, shift, colour, marker, label in (
        ("all", 0.15, BLUE, "o", "all pixels"),
        ("buildings", -0.15, ORANGE, "s", "buildings"),
    ):
        values = table[f"{stratum}_rmse_m"]
        if values.notna().any():
            points: dict[str, Any] = {
                "color": colour,
                "edgecolors": "black",
                "linewidths": 0.6,
                "marker": marker,
                "zorder": 3,
            }
            axes.scatter(values, places + shift, 42, label=label, **points)
        for y, method in zip(places + shift, table.method, strict=True):
            interval = uncertainty.interval(method, stratum, "rmse_m")
            if interval is not None and interval.estimated:
                axes.plot([interval.low, interval.high], [y, y], **WHISKER | {"zorder": 2})
    if baseline_m is not None:
        axes.axvline(baseline_m, color=GREY, linestyle=(0, (8, 4)), label="mean_height, all pixels", zorder=1)
    names = [f"{row['method']} (trivial)" if row["trivial"] else row["method"] for row in rows_of(table)]
    axes.set_yticks(places, names)
    axes.set(xlabel="RMSE (m), lower is better", ylim=(places[-1] - 0.6, 0.6))
    axes.set_xlim(left=0)
    _finish(axes)
    figure.legend(frameon=False, loc="upper center", ncols=3, fontsize=9)
    figure.set_layout_engine("tight", rect=(0, 0, 1, 1 - 30 / (130 + ROW_PX * len(table))))
    return figure


def usable_histories(histories: Mapping[int, pandas.DataFrame]) -> dict[int, pandas.DataFrame]:
    """Return the histories with at least two validations by fold."""
    return {fold: history for fold, history in histories.items() if len(history) > 1}


def _shown(joint: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Return the range of heights without the outermost 0.01 % of pixels at each end."""
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

"""How often intervals hold against how often they should, for each method."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from img2height.comparison.record import Coverage
from img2height.report.figures.drawing import GREY, new_figure

SIDE_PX = 440
LEGEND_PX = 200
# Colours of Okabe and Ito (2008), of which yellow is too light for a line.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
MARKERS = "osD^vP*"


def reliability(coverages: Sequence[Coverage]) -> Figure:
    """Return a figure of the coverage of each method at each level, with the line on which intervals hold.

    Args:
        coverages: of all pixels, by method and level; at the level of the written intervals with a 95 % interval.
    """
    figure = new_figure(SIDE_PX + LEGEND_PX, SIDE_PX)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (8, 4)), label="intervals hold")
    for number, method in enumerate(dict.fromkeys(one.method for one in coverages)):
        own = [one for one in coverages if one.method == method]
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        points = [one.level for one in own], [one.coverage for one in own]
        axes.plot(*points, color=colour, marker=marker, markersize=5, linewidth=1.2, label=method)
        for one in own:
            axes.plot([one.level] * 2, [one.low, one.high], color=colour, linewidth=2.4, alpha=0.5)
    least = min([0.4, *(one.coverage for one in coverages)])
    axes.set(xlabel="level of the intervals", ylabel="share of the reference inside", xlim=(0.45, 0.95))
    axes.set_ylim(least - 0.05, 1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#d9d9d9", linewidth=0.6)
    figure.legend(*axes.get_legend_handles_labels(), frameon=False, loc="center right", fontsize=9)
    figure.set_layout_engine("tight", rect=(0, 0, SIDE_PX / (SIDE_PX + LEGEND_PX), 1))
    return figure

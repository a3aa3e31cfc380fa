"""A published figure of tiles: a scatter plot of two methods' scores per tile."""

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from img2height.errors import DataError
from img2height.published.table import Figure
from img2height.report.figures.drawing import BLUE, GREY, new_figure
from img2height.scoring.tiles import tile_scores
from img2height.vocabulary.scores import TILE_KINDS, of_kind
from img2height.vocabulary.tiles import TILE

SCORES = of_kind(*TILE_KINDS)
PANEL_PX = 420


def pair_tiles(figure: Figure, across: pandas.DataFrame, up: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row per tile and score: dataset, scene, col_off, row_off, score, across, up.

    Tiles that lack a score of either method are left out.

    Args:
        figure: the published figure.
        across: tiles of its first method, as written by `evaluate`.
        up: tiles of its second method.

    Raises:
        DataError: the methods were not scored on the same tiles.
    """
    wide = [tile_scores(frame[frame.stratum == "all"])[[*TILE, *figure.scores]] for frame in (across, up)]
    long = [frame.melt(TILE, var_name="score", value_name="value") for frame in wide]
    paired = long[0].merge(long[1], on=[*TILE, "score"], suffixes=("_across", "_up"))
    if not len(paired) == len(long[0]) == len(long[1]):
        raise DataError(
            f"{figure.across} was scored on {len(wide[0])} tiles, {figure.up} on {len(wide[1])}, and they differ; "
            "evaluate both in one experiment"
        )
    renamed = paired.rename(columns={"value_across": "across", "value_up": "up"})
    return renamed.dropna().sort_values(["score", *TILE], ignore_index=True)


def summarise(figure: Figure, pairs: pandas.DataFrame) -> pandas.DataFrame:
    """Return by score the number of tiles, the medians of both methods, and the share of tiles won by the second.

    Args:
        figure: the published figure.
        pairs: see `pair_tiles`.
    """
    return pandas.DataFrame([_summary(figure, score, pairs[pairs.score == score]) for score in figure.scores])


def _summary(figure: Figure, score: str, pairs: pandas.DataFrame) -> dict[str, object]:
    wins = SCORES[score].badness(pairs["up"]) < SCORES[score].badness(pairs["across"])
    return {
        "score": SCORES[score].heading,
        "tiles": len(pairs),
        f"median {figure.across}": pairs["across"].median(),
        f"median {figure.up}": pairs["up"].median(),
        f"tiles where {figure.up} is better": wins.mean(),
    }


def draw(figure: Figure, pairs: pandas.DataFrame) -> Drawing:
    """Return a figure with one panel per score, a point per tile, and the line of equal scores.

    Args:
        figure: the published figure.
        pairs: see `pair_tiles`.
    """
    drawing = new_figure(PANEL_PX * len(figure.scores), PANEL_PX + 40)
    panels = drawing.subplots(1, len(figure.scores), squeeze=False)[0]
    for axes, score in zip(panels, figure.scores, strict=True):
        _panel(axes, pairs[pairs.score == score], score, figure)
    drawing.suptitle(figure.title)
    drawing.set_layout_engine("tight")
    return drawing


def _panel(axes: Axes, pairs: pandas.DataFrame, score: str, figure: Figure) -> None:
    axes.scatter(pairs["across"], pairs["up"], s=12, alpha=0.5, color=BLUE, linewidths=0)
    values = pairs[["across", "up"]].to_numpy()
    ends = [min(0.0, np.min(values, initial=0.0)), 1.05 * np.max(values, initial=1e-9)]
    axes.plot(ends, ends, color=GREY, linestyle="dashed", linewidth=1)
    side = "above" if SCORES[score].better == "higher" else "below"
    title = f"{SCORES[score].heading}: {side} the line {figure.up} is better"
    axes.set(title=title, xlim=ends, ylim=ends, aspect="equal")
    axes.title.set_fontsize(9)
    axes.set(xlabel=figure.across, ylabel=figure.up)
    axes.spines[["top", "right"]].set_visible(False)


def to_markdown(figure: Figure, summary: pandas.DataFrame, notes: list[str]) -> str:
    """Return title, source, summary and notes as Markdown.

    Args:
        figure: the published figure.
        summary: see `summarise`.
        notes: notes that hold for all numbers.
    """
    body = summary.to_markdown(index=False, floatfmt=".3f")
    return "\n\n".join([f"# {figure.title}", figure.source, body, "\n".join(f"- {note}" for note in notes)]) + "\n"

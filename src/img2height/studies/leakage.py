"""How much a random split flatters a method: its RMSE with and without training next to the test tiles."""

from collections.abc import Mapping

import numpy as np
import pandas
from matplotlib.figure import Figure

from img2height.report.figures.drawing import BLUE, GREY, new_figure
from img2height.studies.answer import HEIGHT_PX, WIDTH_PX, Answer, error_bars, finish, interval_text
from img2height.studies.outcome import Outcome, on_shared_tiles, widest
from img2height.studies.study import BASELINE, BLOCKED, RANDOM, Study


def leakage(study: Study, outcomes: Mapping[str, Outcome]) -> Answer:
    """Return the RMSE under both splits on the tiles that both tested, and the difference with its interval.

    Args:
        study: the study.
        outcomes: those of the variants `random` and `blocked`.
    """
    tables = {(name, method): table for name, found in outcomes.items() for method, table in found.tiles.items()}
    shared = on_shared_tiles(tables, widest(list(outcomes.values())))
    rows = [
        {"split": outcomes[name].label, "method": method, **shared.scores((name, method)), "tiles": shared.tiles}
        | {"training_km2": outcomes[name].training_km2}
        for method in (study.method, BASELINE)
        for name in (RANDOM, BLOCKED)
    ]
    flattered, honest = (shared.rmse[name, study.method] for name in (RANDOM, BLOCKED))
    hidden = honest - flattered
    finding = (
        f"On the same {shared.tiles} tiles {study.method}'s RMSE is {flattered.value:.2f} m when their neighbours were "
        f"used for training ({outcomes[RANDOM].label}) and {honest.value:.2f} m when nothing near them was "
        f"({outcomes[BLOCKED].label}): {_judged(honest.value, hidden.value, *shared.interval(hidden))}."
    )
    if flattered.value >= shared.rmse[RANDOM, BASELINE].value:
        finding += f" {study.method} does not beat {BASELINE} even there: its skill is too low to reveal a leak."
    table = pandas.DataFrame(rows)
    return Answer(finding, table, _figure(study, table))


def _judged(honest_m: float, hidden_m: float, low_m: float, high_m: float) -> str:
    """Return the meaning of the difference in words."""
    interval = f"({interval_text(low_m, high_m)})"
    if low_m > 0:
        return f"the random split hides {hidden_m:.2f} m, {100 * hidden_m / honest_m:.0f} % of the error {interval}"
    if high_m < 0:
        return f"here the random split hides nothing, its error is {-hidden_m:.2f} m larger {interval}"
    return f"the difference of {hidden_m:.2f} m is not significant {interval}".replace("-", "−")


def _figure(study: Study, table: pandas.DataFrame) -> Figure:
    figure = new_figure(WIDTH_PX, HEIGHT_PX)
    axes = figure.subplots()
    for method, color, marker, aside in ((study.method, BLUE, "o", -0.02), (BASELINE, GREY, "s", 0.02)):
        rows = table[table.method == method]
        error_bars(
            axes, np.arange(len(rows)) + aside, rows, color=color, marker=marker, linestyle="dotted", label=method
        )
    axes.set_xticks([0, 1], table.split.unique())
    axes.set(xlim=(-0.5, 1.5), title=study.title, xlabel=f"split; both scored on the same {table.tiles.iloc[0]} tiles")
    finish(axes)
    figure.set_layout_engine("tight")
    return figure

"""The effect of a larger training area: the RMSE on one test area against the size of the training area."""

from collections.abc import Mapping

import numpy as np
import pandas
from matplotlib.figure import Figure

from img2height.report.figures.drawing import BLUE, GREY, new_figure
from img2height.studies.answer import HEIGHT_PX, WIDTH_PX, Answer, error_bars, finish, interval_text
from img2height.studies.outcome import Outcome, on_shared_tiles, widest
from img2height.studies.study import BASELINE, Study


def area(study: Study, outcomes: Mapping[str, Outcome]) -> Answer:
    """Return the RMSE by training area, and the improvement of the last step.

    Args:
        study: the study.
        outcomes: by variant, in any order.
    """
    ordered = dict(sorted(outcomes.items(), key=lambda item: item[1].training_km2))
    tables = {(name, method): table for name, found in ordered.items() for method, table in found.tiles.items()}
    shared = on_shared_tiles(tables, widest(list(ordered.values())))
    rows = [
        {"variant": found.label, "training_km2": found.training_km2, **shared.scores((name, study.method))}
        | {f"{BASELINE}_m": shared.rmse[name, BASELINE].value, "tiles": shared.tiles}
        for name, found in ordered.items()
    ]
    table = pandas.DataFrame(rows)
    before, last = (shared.rmse[name, study.method] for name in list(ordered)[-2:])
    saved = before - last
    least, most = table.iloc[0], table.iloc[-1]
    slope = np.polyfit(np.log2(table.training_km2), table.rmse_m, 1)[0]
    finding = (
        f"{study.method}'s RMSE is {least.rmse_m:.2f} m with a training area of {least.training_km2:.3g} km² and "
        f"{most.rmse_m:.2f} m with {most.training_km2:.3g} km², {-slope:.2f} m less per doubling; the last step "
        f"saves {saved.value:.2f} m ({interval_text(*shared.interval(saved))})."
    ).replace("-", "−")
    return Answer(finding, table, _figure(study, table))


def _figure(study: Study, table: pandas.DataFrame) -> Figure:
    figure = new_figure(WIDTH_PX, HEIGHT_PX)
    axes = figure.subplots()
    error_bars(axes, table.training_km2, table, color=BLUE, marker="o", label=study.method)
    axes.plot(table.training_km2, table[f"{BASELINE}_m"], color=GREY, linestyle="dashed", label=BASELINE)
    axes.set_xscale("log", base=2)
    axes.set_xticks(table.training_km2, [f"{value:.3g}" for value in table.training_km2])
    axes.set(title=study.title, xlabel="training area (km²)")
    finish(axes)
    figure.set_layout_engine("tight")
    return figure

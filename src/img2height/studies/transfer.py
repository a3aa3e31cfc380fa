"""How well a method transfers: its RMSE by training place and test place."""

from collections.abc import Mapping

import numpy as np
import pandas
from matplotlib.figure import Figure

from img2height.errors import DataError
from img2height.report.figures.drawing import new_figure
from img2height.studies.answer import Answer
from img2height.studies.outcome import Outcome, on_shared_tiles, widest
from img2height.studies.study import BASELINE, Study

CELL_PX = 130
DARK = 0.6  # share of the colour scale above which text is black


def transfer(study: Study, outcomes: Mapping[str, Outcome]) -> Answer:
    """Return the RMSE of each pair of training and test place; a test place is scored on the same tiles in all rows.

    Args:
        study: the study.
        outcomes: by the training scene of the variant.

    Raises:
        DataError: a variant is not named after a scene that was tested.
    """
    block_px = widest(list(outcomes.values()))
    rows = []
    for place in outcomes:
        tables = {
            (name, method): table[table.scene == place]
            for name, found in outcomes.items()
            for method, table in found.tiles.items()
        }
        if any(table.empty for table in tables.values()):
            raise DataError(f"scene {place} was not tested in all variants; name each variant after its scene")
        shared = on_shared_tiles(tables, block_px)
        rows += [
            {"train": outcomes[name].label, "test": outcomes[place].label, "home": name == place, "tiles": shared.tiles}
            | shared.scores((name, study.method))
            | {f"{BASELINE}_m": shared.rmse[name, BASELINE].value}
            for name in outcomes
        ]
    table = pandas.DataFrame(rows)
    return Answer(_finding(study, table), table, _figure(study, table))


def _finding(study: Study, table: pandas.DataFrame) -> str:
    here, there = table[table.home], table[~table.home]
    home_m, away_m = here.rmse_m.mean(), there.rmse_m.mean()
    worst = there.sort_values("rmse_m").iloc[-1]
    trained = table.groupby("train", sort=False).rmse_m.mean().sort_values()
    lost = int((there.rmse_m >= there[f"{BASELINE}_m"]).sum())
    return (
        f"{study.method}'s RMSE is {home_m:.2f} m on average in its training place and {away_m:.2f} m elsewhere, "
        f"{100 * abs(away_m / home_m - 1):.0f} % {'more' if away_m > home_m else 'less'}. The largest is "
        f"{worst.rmse_m:.2f} m, trained in {worst.train} and tested in {worst.test}. Over all test places "
        f"the best place to train in is {trained.index[0]} ({trained.iloc[0]:.2f} m), the worst {trained.index[-1]} "
        f"({trained.iloc[-1]:.2f} m). In {lost} of {len(there)} transfers "
        f"it does not beat {BASELINE} of the training place."
    )


def _figure(study: Study, table: pandas.DataFrame) -> Figure:
    matrix = table.pivot(index="train", columns="test", values="rmse_m")
    places = table.test.unique()  # in the order of the study file, not alphabetical
    values = matrix.loc[places, places].to_numpy()
    figure = new_figure(CELL_PX * len(places) + 320, CELL_PX * len(places) + 160)
    axes = figure.subplots()
    drawn = axes.imshow(values, cmap="cividis", vmin=0.0)
    for (row, col), value in np.ndenumerate(values):
        color = "black" if value > DARK * values.max() else "white"
        axes.text(
            col, row, f"{value:.2f}", ha="center", va="center", color=color, weight="bold" if row == col else None
        )
    axes.set_xticks(range(len(places)), places)
    axes.set_yticks(range(len(places)), places)
    axes.set(title=study.title, xlabel="tested in", ylabel="trained in")
    figure.colorbar(drawn, ax=axes, label="RMSE (m)")
    figure.set_layout_engine("tight")
    return figure

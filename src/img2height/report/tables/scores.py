"""The score table: one row per method."""

import statistics
from typing import Any

import pandas

from img2height.comparison.record import ExperimentScores
from img2height.errors import DataError
from img2height.io.tables import rows_of
from img2height.scoring.record import MethodScores
from img2height.settings.protocol import LEAKS
from img2height.settings.recipe import Recipe
from img2height.vocabulary.layers import INITIAL
from img2height.vocabulary.quantities import GROUPS, RELATIVE, quantity_of
from img2height.vocabulary.scores import columns

BASELINE = "mean_height"
TRIVIAL_NETWORKS = {"constant"}
COLUMNS = {f"{group}_{score.name}": score for group, scores in columns().items() for score in scores}


def is_trivial(recipe: Recipe) -> bool:
    """Return whether a method is an untrained baseline."""
    return recipe.network in TRIVIAL_NETWORKS


def refines(recipe: Recipe) -> bool:
    """Return whether a method learns to refine the initial surface model."""
    return INITIAL in recipe.required and not is_trivial(recipe)


def needs(recipe: Recipe) -> str:
    """Return the inputs of a method at inference as text."""
    if is_trivial(recipe) and not recipe.options.get("outer_skip"):
        return "nothing"
    named = {layer: f"{layer} ({', '.join(bands)})" for layer, bands in recipe.inputs.items()}
    return "; ".join(f"{text}, optional" if layer in recipe.optional else text for layer, text in named.items())


def score_table(metrics: ExperimentScores, recipes: dict[str, Recipe], *, leaks: bool = False) -> pandas.DataFrame:
    """Return one row per method, by group of comparable quantities: trained methods, then baselines, best RMSE first.

    Columns: `method`, `trivial`, `needs`, `group` (see `img2height.vocabulary.quantities`), `seeds`, then
    `<group>_<score>` with the mean over the seeds, NaN if nothing counts; `<group>_rmse_ratio` is the RMSE divided by
    that of mean_height, and `all_rmse_sd_m` the standard deviation over the seeds; `note` states their restrictions.

    Args:
        metrics: scores of the experiment.
        recipes: by method name.
        leaks: whether neighbours of the test tiles were used for training, which the note then states.

    Raises:
        DataError: a method has a recipe but no scores.
    """
    if missing := [name for name in recipes if name not in metrics.methods]:
        raise DataError(f"the metrics have no scores of {', '.join(missing)}; evaluate these methods and collect again")
    table = pandas.DataFrame([_row(name, recipe, metrics.seeds(name)) for name, recipe in recipes.items()])
    table["note"] = ["; ".join(filter(None, [LEAKS if leaks else "", GROUPS[group].reason])) for group in table.group]
    for stratum in ("all", "buildings"):
        rmse = table[f"{stratum}_rmse_m"]
        baseline = table[(table.method == BASELINE) & (rmse > 0)]
        ratio = float("nan")
        if not baseline.empty:
            comparable = (table.group == baseline.group.iloc[0]) | (stratum == "buildings") & (table.group != RELATIVE)
            ratio = (rmse / rmse[baseline.index[0]]).where(comparable)
        table.insert(list(table).index(f"{stratum}_rmse_m") + 1, f"{stratum}_rmse_ratio", ratio)
    placed = table.assign(place=table.group.map(list(GROUPS).index))
    ranked = placed.sort_values(["place", "trivial", "all_rmse_m", "method"], na_position="last")
    return ranked.drop(columns="place").reset_index(drop=True)


def _row(name: str, recipe: Recipe, seeds: list[MethodScores]) -> dict[str, Any]:
    row: dict[str, Any] = {"method": name, "trivial": is_trivial(recipe), "needs": needs(recipe)}
    row |= {"group": quantity_of(seeds[0].quantity).group.name, "seeds": len(seeds)}
    for group, scores in columns().items():
        for score in scores:
            if score.kind != "derived":
                row[f"{group}_{score.name}"] = seed_mean([entry.group(group).get(score.name) for entry in seeds])
    rmse = valid([entry.group("all").get("rmse_m") for entry in seeds])
    row["all_rmse_sd_m"] = statistics.stdev(rmse) if len(rmse) > 1 else float("nan")
    return row


def valid(values: list[float | None]) -> list[float]:
    """Return the values that are not None."""
    return [float(value) for value in values if value is not None]


def seed_mean(values: list[float | None]) -> float:
    """Return the mean of a score over the seeds that have it, NaN if none has."""
    return statistics.fmean(valid(values)) if valid(values) else float("nan")


def to_markdown(table: pandas.DataFrame) -> str:
    """Return the score table as Markdown, trivial baselines in italics."""
    scores = [column for column in table.columns if is_score(table, column)]
    shown = ["method", "needs", *scores, *(["note"] if table.note.any() else [])]
    text = table.assign(**{column: [COLUMNS[column].text(value) for value in table[column]] for column in scores})
    text["method"] = [f"*{row['method']}*" if row["trivial"] else row["method"] for row in rows_of(table)]
    align = ["right" if column in scores else "left" for column in shown]
    return text[shown].to_markdown(index=False, colalign=align, disable_numparse=True) + "\n"


def is_score(table: pandas.DataFrame, column: str) -> bool:
    """Return whether a column of the score table contains a score of at least one method."""
    return column in COLUMNS and bool(table[column].notna().any())

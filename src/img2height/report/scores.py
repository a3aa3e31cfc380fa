"""The scores of all methods: the metrics file, one table row a method, and the main finding in words."""

import statistics
from collections.abc import Sequence
from typing import Any

import pandas

from img2height.errors import DataError
from img2height.settings_recipe import Recipe

BASELINE = "mean_height"
TRIVIAL_NETWORKS = {"constant"}
ERROR_SCORES = ["rmse_m", "mae_m", "nmad_m", "bias_m", "delta1", "delta2", "delta3"]
STRATA = {
    "all": [*ERROR_SCORES, "ssim", "coverage"],
    "buildings": ERROR_SCORES,
    "footprint": ["iou", "dice"],
    "instances": ["precision", "recall", "f1"],
}


def collect(scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the content of metrics.json: `{"methods": {name: {"seed0": scores}}}`.

    Args:
        scores: the scores of one method and seed each, as `evaluate` wrote them.

    Raises:
        DataError: there are none, or two of one method and seed.
    """
    if not scores:
        raise DataError("there are no scores to collect; evaluate at least one method")
    methods: dict[str, Any] = {}
    for entry in scores:
        seeds = methods.setdefault(entry["method"], {})
        if (seed := f"seed{entry['seed']}") in seeds:
            raise DataError(f"the scores of {entry['method']}, {seed}, come twice; give each file once")
        seeds[seed] = entry
    return {"methods": methods}


def is_trivial(recipe: Recipe) -> bool:
    """Return whether a method learns nothing: what a network has to beat."""
    return recipe.network in TRIVIAL_NETWORKS


def refines(recipe: Recipe) -> bool:
    """Return whether a method learns to mend the initial surface model."""
    return "dsm_initial" in recipe.inputs and not is_trivial(recipe)


def needs(recipe: Recipe) -> str:
    """Return in words what a method needs at inference."""
    if is_trivial(recipe) and not recipe.options.get("outer_skip"):
        return "nothing"
    return "; ".join(f"{layer} ({', '.join(bands)})" for layer, bands in recipe.inputs.items())


def score_table(metrics: dict[str, Any], recipes: dict[str, Recipe]) -> pandas.DataFrame:
    """Return one row a method, best RMSE first and trivial baselines last.

    Columns: `method`, `trivial`, `needs`, `seeds`, then `<stratum>_<score>` with the mean over the seeds, NaN where
    nothing counts; `<stratum>_rmse_ratio` is the RMSE over that of mean_height, and `all_rmse_sd_m` the standard
    deviation over the seeds.

    Args:
        metrics: content of metrics.json.
        recipes: by method name.

    Raises:
        DataError: a method has a recipe but no scores.
    """
    if missing := [name for name in recipes if name not in metrics["methods"]]:
        raise DataError(f"metrics have no scores of {', '.join(missing)}; evaluate them and collect again")
    rows = [_row(name, recipe, list(metrics["methods"][name].values())) for name, recipe in recipes.items()]
    table = pandas.DataFrame(rows)
    for stratum in ("all", "buildings"):
        rmse = table[f"{stratum}_rmse_m"]
        baseline = rmse[(table.method == BASELINE) & (rmse > 0)]
        ratio = float("nan") if baseline.empty else rmse / baseline.iloc[0]
        table.insert(table.columns.get_loc(rmse.name) + 1, f"{stratum}_rmse_ratio", ratio)
    return table.sort_values(["trivial", "all_rmse_m", "method"], na_position="last").reset_index(drop=True)


def _row(name: str, recipe: Recipe, entries: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"method": name, "trivial": is_trivial(recipe), "needs": needs(recipe), "seeds": len(entries)}
    for stratum, scores in STRATA.items():
        for score in scores:
            values = _values(entries, stratum, score)
            row[f"{stratum}_{score}"] = statistics.fmean(values) if values else float("nan")
    rmse = _values(entries, "all", "rmse_m")
    row["all_rmse_sd_m"] = statistics.stdev(rmse) if len(rmse) > 1 else float("nan")
    return row


def _values(entries: list[dict[str, Any]], stratum: str, score: str) -> list[float]:
    values = [(entry.get(stratum) or {}).get(score) for entry in entries]
    return [float(value) for value in values if value is not None]


def format_score(column: str, value: float) -> str:
    """Return a score as text: metres with two decimals, ratios and shares with three, a dash where nothing counts."""
    if pandas.isna(value):
        return "–"
    if not column.endswith("_m"):
        return f"{value:.3f}"
    text = f"{value:+.2f}" if "bias" in column else f"{value:.2f}"
    return text.replace("-", "−")


def to_markdown(table: pandas.DataFrame) -> str:
    """Return the score table as Markdown, trivial baselines in italics."""
    columns = ["method", "needs", *(c for c in table.columns if is_score(table, c))]
    cells = [
        [f"*{row.method}*" if row.trivial else row.method, row.needs]
        + [format_score(column, getattr(row, column)) for column in columns[2:]]
        for row in table.itertuples()
    ]
    align = ("left", "left", *["right"] * (len(columns) - 2))
    return (
        pandas.DataFrame(cells, columns=columns).to_markdown(index=False, colalign=align, disable_numparse=True) + "\n"
    )


def is_score(table: pandas.DataFrame, column: str) -> bool:
    """Return whether a column of the score table holds a score of at least one method."""
    return column.startswith(tuple(f"{stratum}_" for stratum in STRATA)) and bool(table[column].notna().any())


def findings(table: pandas.DataFrame) -> list[str]:
    """Return the main finding in sentences: the best method, how far ahead it is, and who does not beat mean_height."""
    trained = table[~table.trivial & table.all_rmse_m.notna()]
    if trained.empty:
        return ["No trained method has a score: this run holds trivial baselines only."]
    best = trained.iloc[0]
    sentences = [
        f"{best.method} has the lowest RMSE of the trained methods: {_metres(best.all_rmse_m)} over all pixels."
    ]
    sentences += _against_baseline(table, trained) + _better_untrained(table, "all_rmse_m", best.all_rmse_m)
    if trained.buildings_rmse_m.notna().any():
        first = trained.sort_values(["buildings_rmse_m", "method"]).iloc[0]
        sentences.append(f"On buildings {first.method} has the lowest of them: {_metres(first.buildings_rmse_m)}.")
        sentences += _better_untrained(table, "buildings_rmse_m", first.buildings_rmse_m)
    return sentences


def _against_baseline(table: pandas.DataFrame, trained: pandas.DataFrame) -> list[str]:
    baseline = table[table.method == BASELINE]
    if baseline.empty or pandas.isna(baseline.all_rmse_m.iloc[0]):
        return [f"{BASELINE} was not run, so nothing says whether a network learned more than the mean height."]
    rmse = baseline.all_rmse_m.iloc[0]
    best, beaten = trained.iloc[0], trained[trained.all_rmse_m >= rmse].method.tolist()
    if len(beaten) == len(trained):
        return [f"No trained method beats {BASELINE} ({_metres(rmse)}): by this measure none has learned anything."]
    gain = 100 * (1 - best.all_rmse_m / rmse)
    sentences = [f"That is {gain:.0f} % below {BASELINE} ({_metres(rmse)}), which says the same height everywhere."]
    return sentences + [
        f"{name} does not beat {BASELINE}: it has learned nothing that the RMSE shows." for name in beaten
    ]


def _better_untrained(table: pandas.DataFrame, column: str, rmse_m: float) -> list[str]:
    """Return in a sentence that a baseline beats the best trained method; mean_height is spoken of anyway."""
    better = table[table.trivial & (table.method != BASELINE) & (table[column] < rmse_m)].sort_values(column)
    return [
        f"{row.method} learns nothing and is better: {_metres(getattr(row, column))}." for row in better.itertuples()
    ]


def _metres(value: float) -> str:
    return f"{value:.2f} m"

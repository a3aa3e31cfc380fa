"""The main finding in words: the best method, whether the second best is really worse, and what learned nothing."""

import pandas

from img2height.comparison.bootstrap import LEVEL
from img2height.report.tables.intervals import Uncertainty, interval_text, p_text
from img2height.report.tables.scores import BASELINE, COLUMNS
from img2height.vocabulary.quantities import BUILDINGS, METRES, RELATIVE

RMSE = COLUMNS["all_rmse_m"]
WHERE = {"all": "over all pixels", "buildings": "on buildings"}


def findings(table: pandas.DataFrame, uncertainty: Uncertainty) -> list[str]:
    """Return the main finding in sentences, the most important first.

    Args:
        table: see `img2height.report.tables.scores.score_table`.
        uncertainty: intervals and comparisons of the same methods.
    """
    trained = leading(table)
    if trained.empty:
        return ["No trained method has a score: this run holds trivial baselines only."]
    own, best = table[table.group == trained.group.iloc[0]], trained.iloc[0]
    sentences = [
        f"{best.method} has the lowest RMSE of the trained methods: "
        f"{_with_interval(uncertainty, best.method, 'all', best.all_rmse_m)} over all pixels."
    ]
    sentences += _better_untrained(own, "all", best, uncertainty) + _second(trained, uncertainty, "all")
    if not uncertainty.any_known:
        sentences.append(
            f"There are too few blocks of ground ({uncertainty.blocks}) for 95 % intervals and tests: any difference "
            "between methods may be chance."
        )
    return sentences + _against_baseline(own, trained) + _on_buildings(table, uncertainty)


def leading(table: pandas.DataFrame) -> pandas.DataFrame:
    """Return the trained methods with a score of the first group that has any, best RMSE first."""
    trained = table[~table.trivial & table.all_rmse_m.notna()]
    return trained if trained.empty else trained[trained.group == trained.group.iloc[0]]


def ranked_on(table: pandas.DataFrame, stratum: str) -> pandas.DataFrame:
    """Return the trained methods that may be ranked: over all pixels, building heights do not meet the others."""
    trained = leading(table)
    if stratum == "all" or trained.empty or trained.group.iloc[0] == RELATIVE:
        return trained
    return table[~table.trivial & table.group.isin([METRES.name, BUILDINGS])]


def _with_interval(uncertainty: Uncertainty, method: str, stratum: str, rmse_m: float) -> str:
    interval = uncertainty.interval(method, stratum, "rmse_m")
    if interval is None or not uncertainty.any_known:
        return _metres(rmse_m)
    if not interval.known:
        return f"{_metres(rmse_m)} ({interval_text(interval, RMSE)})"
    return f"{_metres(rmse_m)} (95 % interval {interval_text(interval, RMSE)} m)"


def _second(ranked: pandas.DataFrame, uncertainty: Uncertainty, stratum: str) -> list[str]:
    """Return in a sentence whether the second best of the ranked methods is really worse than the best."""
    if len(ranked) < 2 or not uncertainty.any_known:
        return []
    ranked = ranked.sort_values([f"{stratum}_rmse_m", "method"])
    best, second = ranked.iloc[0], ranked.iloc[1]
    name = f"{second.method} ({_metres(second[f'{stratum}_rmse_m'])}), second best {WHERE[stratum]},"
    found = uncertainty.difference(second.method, best.method, stratum, "rmse_m")
    if found is None or not found.known:
        why = "the two were not compared" if found is None else f"there are too few blocks ({found.blocks}) to test it"
        return [f"{name} may be as good: {why}."]
    difference, low, high = (RMSE.text(value, signed=True) for value in (found.difference, found.low, found.high))
    size = f"difference {difference} m, {low} to {high} m, {p_text(found)}"
    if found.winner == best.method:
        return [f"{name} is really worse ({size})."]
    return [f"{name} cannot be told from it ({size}; real below {1 - LEVEL:.2g})."]


def _on_buildings(table: pandas.DataFrame, uncertainty: Uncertainty) -> list[str]:
    ranked = ranked_on(table, "buildings")
    ranked = ranked[ranked.buildings_rmse_m.notna()].sort_values(["buildings_rmse_m", "method"])
    if ranked.empty:
        return []
    first = ranked.iloc[0]
    rmse = _with_interval(uncertainty, first.method, "buildings", first.buildings_rmse_m)
    sentences = [f"On buildings {first.method} has the lowest of them: {rmse}."]
    sentences += _better_untrained(table, "buildings", first, uncertainty)
    return sentences + _second(ranked, uncertainty, "buildings")


def _against_baseline(table: pandas.DataFrame, trained: pandas.DataFrame) -> list[str]:
    baseline = table[table.method == BASELINE]
    if baseline.empty or pandas.isna(baseline.all_rmse_m.iloc[0]):
        return [f"{BASELINE} was not run, so nothing says whether a network learned more than the mean height."]
    rmse = baseline.all_rmse_m.iloc[0]
    best, beaten = trained.iloc[0], trained[trained.all_rmse_m >= rmse].method.tolist()
    if len(beaten) == len(trained):
        return [f"No trained method beats {BASELINE} ({_metres(rmse)}): by this measure none has learned anything."]
    gain = 100 * (1 - best.all_rmse_m / rmse)
    sentences = [
        f"{best.method} is {gain:.0f} % below {BASELINE} ({_metres(rmse)}), which says the same height everywhere."
    ]
    return sentences + [
        f"{name} does not beat {BASELINE}: it has learned nothing that the RMSE shows." for name in beaten
    ]


def _better_untrained(
    table: pandas.DataFrame, stratum: str, best: pandas.Series, uncertainty: Uncertainty
) -> list[str]:
    """Return in a sentence that a baseline beats the best trained method; mean_height is spoken of anyway."""
    column = f"{stratum}_rmse_m"
    better = table[table.trivial & (table.method != BASELINE) & (table[column] < best[column])].sort_values(column)
    sentences = []
    for row in better.itertuples():
        found = uncertainty.difference(row.method, best.method, stratum, "rmse_m")
        real = found is not None and found.known
        word = f", {'really' if found.winner else 'but not really'} ({p_text(found)})" if real else ""
        sentences.append(f"{row.method} learns nothing and is better: {_metres(getattr(row, column))}{word}.")
    return sentences


def _metres(value: float) -> str:
    return f"{value:.2f} m"

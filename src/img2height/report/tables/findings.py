"""The main finding in words: the best method, its lead over the second best, and methods without skill."""

from typing import Literal, NamedTuple

import pandas

from img2height.comparison.bootstrap import LEVEL
from img2height.io.tables import rows_of
from img2height.report.tables.intervals import Uncertainty, interval_text, p_text
from img2height.report.tables.scores import BASELINE, COLUMNS
from img2height.vocabulary.quantities import BUILDINGS, METRES, RELATIVE

RMSE = COLUMNS["all_rmse_m"]
WHERE = {"all": "over all pixels", "buildings": "on buildings"}
Kind = Literal[
    "untrained only", "best", "best on buildings", "second is worse", "second ties", "second is untested",
    "untrained is better", "too few blocks", "no baseline", "none beats the baseline", "gain over the baseline",
    "no gain over the baseline", "refined", "tall",
]  # fmt: skip


class Finding(NamedTuple):
    """One statement of the main finding.

    Attributes:
        kind: of statement; an attribute of its element in the page.
        method: its subject, empty for the run as a whole.
        text: the sentence.
    """

    kind: Kind
    method: str
    text: str


def findings(table: pandas.DataFrame, uncertainty: Uncertainty) -> list[Finding]:
    """Return the statements of the main finding, the most important first.

    Args:
        table: see `img2height.report.tables.scores.score_table`.
        uncertainty: intervals and comparisons of the same methods.
    """
    trained = leading(table)
    if trained.empty:
        return [Finding("untrained only", "", "No trained method has a score: this run has trivial baselines only.")]
    own, best = table[table.group == trained.group.iloc[0]], trained.iloc[0]
    rmse = _with_interval(uncertainty, best.method, "all", best.all_rmse_m)
    text = f"{best.method} has the lowest RMSE of the trained methods: {rmse} over all pixels."
    found = [Finding("best", best.method, text)]
    found += _better_untrained(own, "all", best, uncertainty) + _second(trained, uncertainty, "all")
    if not uncertainty.any_estimated:
        text = (
            f"There are too few bootstrap blocks ({uncertainty.blocks}) for 95 % intervals and tests: any difference "
            "between methods may be due to chance."
        )
        found.append(Finding("too few blocks", "", text))
    return found + _against_baseline(own, trained) + _on_buildings(table, uncertainty)


def leading(table: pandas.DataFrame) -> pandas.DataFrame:
    """Return the trained methods with a score in the first group that has any, best RMSE first."""
    trained = table[~table.trivial & table.all_rmse_m.notna()]
    return trained if trained.empty else trained[trained.group == trained.group.iloc[0]]


def ranked_on(table: pandas.DataFrame, stratum: str) -> pandas.DataFrame:
    """Return the trained methods that can be ranked: building heights with heights above ground on buildings only."""
    trained = leading(table)
    if stratum == "all" or trained.empty or trained.group.iloc[0] == RELATIVE:
        return trained
    return table[~table.trivial & table.group.isin([METRES.name, BUILDINGS])]


def _with_interval(uncertainty: Uncertainty, method: str, stratum: str, rmse_m: float) -> str:
    interval = uncertainty.interval(method, stratum, "rmse_m")
    if interval is None or not uncertainty.any_estimated:
        return _metres(rmse_m)
    if not interval.estimated:
        return f"{_metres(rmse_m)} ({interval_text(interval, RMSE)})"
    return f"{_metres(rmse_m)} (95 % interval {interval_text(interval, RMSE)} m)"


def _second(ranked: pandas.DataFrame, uncertainty: Uncertainty, stratum: str) -> list[Finding]:
    """Return whether the second best of the ranked methods is significantly worse than the best."""
    if len(ranked) < 2 or not uncertainty.any_estimated:
        return []
    ranked = ranked.sort_values([f"{stratum}_rmse_m", "method"])
    best, second = ranked.iloc[0], ranked.iloc[1]
    name = f"{second.method} ({_metres(second[f'{stratum}_rmse_m'])}) is second best {WHERE[stratum]}"
    found = uncertainty.difference(second.method, best.method, stratum, "rmse_m")
    if found is None or not found.tested:
        why = "the two were not compared" if found is None else f"too few blocks ({found.blocks}) for a test"
        return [Finding("second is untested", second.method, f"{name}; the difference may be due to chance: {why}.")]
    difference, low, high = (RMSE.text(value, signed=True) for value in (found.difference, found.low, found.high))
    size = f"difference {difference} m, {low} to {high} m, {p_text(found)}"
    if found.winner == best.method:
        return [Finding("second is worse", second.method, f"{name} and significantly worse ({size}).")]
    text = f"{name}; the difference is not significant ({size}; significant below {1 - LEVEL:.2g})."
    return [Finding("second ties", second.method, text)]


def _on_buildings(table: pandas.DataFrame, uncertainty: Uncertainty) -> list[Finding]:
    ranked = ranked_on(table, "buildings")
    ranked = ranked[ranked.buildings_rmse_m.notna()].sort_values(["buildings_rmse_m", "method"])
    if ranked.empty:
        return []
    first = ranked.iloc[0]
    rmse = _with_interval(uncertainty, first.method, "buildings", first.buildings_rmse_m)
    found = [Finding("best on buildings", first.method, f"On buildings {first.method} has the lowest RMSE: {rmse}.")]
    found += _better_untrained(table, "buildings", first, uncertainty)
    return found + _second(ranked, uncertainty, "buildings")


def _against_baseline(table: pandas.DataFrame, trained: pandas.DataFrame) -> list[Finding]:
    baseline = table[table.method == BASELINE]
    if baseline.empty or pandas.isna(baseline.all_rmse_m.iloc[0]):
        text = f"{BASELINE} was not run, so the skill of the trained methods over a constant height cannot be assessed."
        return [Finding("no baseline", BASELINE, text)]
    rmse = baseline.all_rmse_m.iloc[0]
    best, beaten = trained.iloc[0], trained[trained.all_rmse_m >= rmse].method.tolist()
    if len(beaten) == len(trained):
        text = f"No trained method beats {BASELINE} ({_metres(rmse)}): by RMSE, none has any skill."
        return [Finding("none beats the baseline", BASELINE, text)]
    gain = 100 * (1 - best.all_rmse_m / rmse)
    text = f"The RMSE of {best.method} is {gain:.0f} % below that of the constant {BASELINE} ({_metres(rmse)})."
    none = f"does not beat {BASELINE}: by RMSE, it has no skill."
    return [
        Finding("gain over the baseline", best.method, text),
        *(Finding("no gain over the baseline", name, f"{name} {none}") for name in beaten),
    ]


def _better_untrained(
    table: pandas.DataFrame, stratum: str, best: pandas.Series, uncertainty: Uncertainty
) -> list[Finding]:
    """Return the untrained baselines that beat the best trained method, except mean_height, reported in any case."""
    column = f"{stratum}_rmse_m"
    better = table[table.trivial & (table.method != BASELINE) & (table[column] < best[column])].sort_values(column)
    findings = []
    for row in rows_of(better):
        found = uncertainty.difference(row["method"], best.method, stratum, "rmse_m")
        word = ""
        if found is not None and found.tested:
            word = f"; the difference is {'' if found.winner else 'not '}significant ({p_text(found)})"
        rmse = _metres(row[column])
        text = f"{row['method']}, an untrained baseline, is better {WHERE[stratum]}: {rmse}{word}."
        findings.append(Finding("untrained is better", row["method"], text))
    return findings


def _metres(value: float) -> str:
    return f"{value:.2f} m"

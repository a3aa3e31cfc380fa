"""Which of the differences between methods are real: paired on the same blocks, corrected for being many."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas

from img2height.comparison.bootstrap import LEVEL, Resampled, holm
from img2height.vocabulary.quantities import METRES, OF_BUILDINGS, quantity_of

COMPARED = (("all", "rmse_m"), ("all", "mae_m"), ("all", "iou"), ("buildings", "rmse_m"), ("buildings", "mae_m"))
COMPARISON_COLUMNS = [
    "first", "second", "stratum", "score", "difference", "low", "high", "p", "p_holm", "blocks", "better",
]  # fmt: skip
HIGHER_IS_BETTER = {"iou"}


def meet(first: str, second: str, stratum: str, score: str) -> bool:
    """Return whether two quantities may be compared.

    Above ground, surface and terrain heights have the same errors. Heights of buildings alone are 0 beside them, so
    that they meet the others on buildings and by their footprints only; relative heights meet their like.
    """
    groups = {quantity_of(first).group, quantity_of(second).group}
    anywhere = len(groups) == 1
    return anywhere or ((stratum == "buildings" or score == "iou") and groups == {METRES, OF_BUILDINGS})


def compare(
    methods: Mapping[str, Mapping[tuple[str, str], Resampled]], quantities: Mapping[str, str], neighbours: np.ndarray
) -> pandas.DataFrame:
    """Return one row for each pair of methods and each score of `COMPARED` that both have.

    Columns: first, second (in the order of the alphabet), stratum, score, difference (first minus second), low, high,
    p, p_holm (corrected for all pairs of this score), blocks, better (first, second, or empty where neither is).
    What takes an interval is empty where there are too few blocks for one.

    Args:
        methods: by name, the scores by stratum and name, all on the same draws of the same blocks.
        quantities: what each method predicts.
        neighbours: Px2 int, places of blocks that share a side.
    """
    tables = [pandas.DataFrame(columns=COMPARISON_COLUMNS)]
    for stratum, score in COMPARED:
        rows = [
            _row(first, second, methods[first][stratum, score] - methods[second][stratum, score], neighbours)
            for first, second in combinations(sorted(methods), 2)
            if meet(quantities[first], quantities[second], stratum, score)
            and all((stratum, score) in methods[name] for name in (first, second))
        ]
        if rows:
            tables.append(_corrected(pandas.DataFrame(rows).assign(stratum=stratum, score=score)))
    return pandas.concat(tables[1:] or tables, ignore_index=True)[COMPARISON_COLUMNS]


def _row(first: str, second: str, difference: Resampled, neighbours: np.ndarray) -> dict:
    low, high = difference.interval(neighbours) or (np.nan, np.nan)
    p = difference.p_value(neighbours)
    return {
        "first": first, "second": second, "difference": difference.value, "low": low, "high": high,
        "p": np.nan if p is None else p, "blocks": difference.blocks,
    }  # fmt: skip


def _corrected(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Return the rows of one score with the corrected p and which method is better."""
    tested = rows.p.notna().to_numpy()
    corrected = np.full(len(rows), np.nan)
    corrected[tested] = holm(rows.p[tested].to_numpy())
    first_is_higher = rows.difference > 0
    first_is_better = first_is_higher if rows.score.iloc[0] in HIGHER_IS_BETTER else ~first_is_higher
    real = corrected < 1 - LEVEL
    return rows.assign(p_holm=corrected, better=np.where(real, np.where(first_is_better, "first", "second"), ""))

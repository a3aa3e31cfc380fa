"""Scores by stratum and by pair."""

import math

from record_cases import experiment_scores, method_scores, numbers_in

from img2height.report.tables.strata import before_after, by_pair, refinements, strata_table


def block(rmse_m: float | None, pixels: int = 10) -> dict:
    return {"pixels": pixels, "rmse_m": rmse_m, "mae_m": rmse_m, "nmad_m": rmse_m, "bias_m": None}


REFINED = {"all": block(2.0), "terrain": block(1.0), "forest": block(None, 0)}
PAIRS = {"pairs": {1: {"all": block(3.0)}, 3: {"all": block(5.0)}}, "pooled": {"all": block(4.0, 20)}}
METRICS = experiment_scores(
    method_scores("initial_dsm", strata={"all": block(3.0), "terrain": block(0.5)}),
    method_scores("resdepth", 0, strata=REFINED, **PAIRS),
    method_scores("resdepth", 1, strata=REFINED | {"all": block(2.5)}, **PAIRS),
)
TABLE = strata_table(METRICS, ["resdepth", "initial_dsm"])


def test_a_row_for_each_stratum_with_pixels_and_the_mean_of_the_seeds():
    rows = {(row.method, row.heights, row.stratum): row for row in TABLE.itertuples()}
    assert len(rows) == len(TABLE) == 7
    assert rows["resdepth", "final", "all"].rmse_m == 2.25
    assert rows["resdepth", "pooled", "all"].pixels == 20
    assert math.isnan(rows["resdepth", "pair 3", "all"].bias_m)


def test_before_and_after_are_in_one_table():
    shown = before_after(TABLE, "resdepth")
    assert [(row.key, row.scores["before_rmse_m"], row.scores["rmse_m"]) for row in shown.rows] == [
        ("all", 3.0, 2.25),
        ("terrain", 0.5, 1.0),
    ]
    assert [columns[0][0] for _, columns in shown.groups] == [
        "pixels", "before_rmse_m", "rmse_m",
    ]  # fmt: skip


def test_without_a_score_of_the_initial_model_there_is_only_after():
    shown = before_after(TABLE[TABLE.method != "initial_dsm"], "resdepth")
    assert [columns[0][0] for _, columns in shown.groups] == ["pixels", "rmse_m"]
    assert refinements(TABLE[TABLE.method != "initial_dsm"], ["resdepth"]) == []


def test_pairs_come_before_their_pooled_and_median_heights():
    shown = by_pair(TABLE, "resdepth")
    assert [(row.key, row.scores["all_rmse_m"]) for row in shown.rows] == [
        ("pair 1", 3.0),
        ("pair 3", 5.0),
        ("pooled", 4.0),
        ("final", 2.25),
    ]
    assert by_pair(TABLE, "initial_dsm") is None


def test_a_finding_states_the_effect_of_a_refinement():
    (finding,) = refinements(TABLE, ["resdepth"])
    assert (finding.kind, finding.method) == ("refined", "resdepth")
    assert numbers_in(finding.text) == [3.0, 2.25]

"""Comparisons of methods: which may be compared, which is better, and for how many pairs p is corrected."""

from itertools import pairwise

import numpy as np
import pandas
import pytest

from img2height.comparison.bootstrap import Resampled, draw_blocks, resample
from img2height.comparison.pairwise import compare, meet

NONE = np.empty((0, 2), int)
DRAWN = draw_blocks(64, resamples=1000)


def method(errors: np.ndarray, *, iou: float | None = None) -> dict[tuple[str, str], Resampled]:
    sums = {"square": errors**2, "absolute": errors, "hit": np.full(64, 0.0 if iou is None else iou)}
    sums["hit"][:32] /= 2
    names = {"rmse_m": lambda s: np.sqrt(s["square"]), "mae_m": lambda s: s["absolute"]}
    names |= {} if iou is None else {"iou": lambda s: s["hit"]}
    found = resample(sums, DRAWN, lambda sums: {name: formula(sums) for name, formula in names.items()})
    return {("all", name): value for name, value in found.items()} | {("buildings", "rmse_m"): found["rmse_m"]}


@pytest.fixture(scope="module")
def errors() -> np.ndarray:
    return np.random.default_rng(0).uniform(1, 3, (3, 64))


def table(methods: dict, **quantities: str):
    return pandas.DataFrame(compare(methods, dict.fromkeys(methods, "ndsm") | quantities, NONE))


def test_one_row_per_pair_and_score(errors):
    found = table({"b": method(errors[0]), "a": method(errors[1] + 1), "c": method(errors[2] + 0.01)})
    assert found[found.score == "mae_m"][["first", "second"]].to_numpy().tolist() == [
        ["a", "b"],
        ["a", "c"],
        ["b", "c"],
    ]
    assert found.groupby(["stratum", "score"]).size().to_dict() == {
        ("all", "mae_m"): 3, ("all", "rmse_m"): 3, ("buildings", "rmse_m"): 3,
    }  # fmt: skip
    rows = found[found.score == "mae_m"].set_index(["first", "second"])
    assert rows.index.tolist() == [("a", "b"), ("a", "c"), ("b", "c")]
    assert rows.difference["a", "b"] == pytest.approx((errors[1] + 1).sum() - errors[0].sum())
    assert rows.better.tolist() == ["second", "second", ""]
    assert (rows.p_holm >= rows.p).all()
    assert rows.p_holm["b", "c"] == rows.p["b", "c"]
    assert rows.p_holm.min() == pytest.approx(3 * rows.p.min())
    assert (found.blocks == 64).all()


def test_higher_overlaps_are_better(errors):
    found = table({"a": method(errors[0], iou=0.5), "b": method(errors[0], iou=0.6), "c": method(errors[0])})
    iou = found[found.score == "iou"]
    assert iou[["first", "second", "better"]].to_numpy().tolist() == [["a", "b", "second"]]
    assert set(found[found.score != "iou"].better) == {""}
    assert set(found[found.score != "iou"].p) == {1.0}


def test_the_order_of_the_methods_changes_nothing(errors):
    methods = {name: method(errors[k]) for k, name in enumerate("abc")}
    assert table(methods).equals(table(dict(reversed(methods.items()))))


def test_too_few_blocks_leave_the_test_empty(errors):
    few = [
        {key: Resampled(found.value, found.draws, found.left_out, 19) for key, found in method(errors[k]).items()}
        for k in (0, 1)
    ]
    found = table(dict(zip("ab", few, strict=True)))
    assert found[["low", "high", "p", "p_holm"]].isna().all(axis=None)
    assert set(found.better) == {""}
    assert set(found.blocks) == {19}
    assert found.difference.notna().all()


def test_incomparable_quantities_are_not_compared(errors):
    methods = {name: method(errors[0]) for name in ("a", "b", "c", "d")}
    found = table(methods, b="dsm", c="building_height", d="relative")
    pairs = (found["first"] + found["second"]).groupby(found.stratum).agg(set).to_dict()
    assert pairs == {"all": {"ab"}, "buildings": {"ab", "ac", "bc"}}


def test_one_method_has_nothing_to_be_compared_with(errors):
    found = table({"a": method(errors[0])})
    assert found.empty


def test_comparable_quantities():
    assert all(meet(*pair, "all", "rmse_m") for pair in pairwise(["ndsm", "dsm", "dem", "ndsm"]))
    assert not meet("ndsm", "building_height", "all", "mae_m")
    assert meet("building_height", "dsm", "buildings", "mae_m")
    assert meet("building_height", "dsm", "all", "iou")
    assert not meet("relative", "ndsm", "all", "iou")
    assert meet("relative", "relative", "all", "rmse_m")

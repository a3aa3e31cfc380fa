"""The main finding in words."""

import pandas
import pytest

from img2height.comparison.record import Comparison, Interval
from img2height.report.tables.findings import findings
from img2height.report.tables.intervals import Uncertainty

NAN = float("nan")
INTERVAL = [["unet", 0, "all", "rmse_m", 3.0, 2.5, 3.6, 40, 128.0]]
TRIVIAL = ("mean_height", "zero_height")


def known(rows: list = (), pairs: list = ()) -> Uncertainty:
    return Uncertainty([Interval(*row) for row in rows], [Comparison(*row) for row in pairs], 0)


def table_of(group: str = "heights", buildings_m: dict | None = None, **rmse_m: float) -> pandas.DataFrame:
    rows = [
        {"method": name, "trivial": name in TRIVIAL, "group": group, "all_rmse_m": value}
        | {"buildings_rmse_m": (buildings_m or {}).get(name, float("nan"))}
        for name, value in rmse_m.items()
    ]
    return pandas.DataFrame(rows).sort_values(["trivial", "all_rmse_m"])


def said(table: pandas.DataFrame, uncertainty: Uncertainty | None = None) -> str:
    return " ".join(findings(table, uncertainty or known()))


def pair(better: str, p: float, stratum: str = "all") -> list:
    return ["im2height", "unet", stratum, "rmse_m", 2.0, 1.5, 2.5, p / 2, p, 30, better]


def test_the_best_its_lead_and_who_fails():
    text = said(table_of(im2height=5.0, unet=3.0, mean_height=4.0))
    assert "unet has the lowest RMSE of the trained methods: 3.00 m over all pixels." in text
    assert "25 % below mean_height (4.00 m)" in text
    assert "im2height does not beat mean_height" in text
    assert "too few blocks of ground (0) for 95 % intervals and tests" in text and "second best" not in text


def test_the_interval_is_said():
    text = said(table_of(unet=3.0), known(INTERVAL))
    assert "3.00 m (95 % interval 2.50 to 3.60 m) over all pixels" in text


def test_too_few_blocks_are_said():
    rows = [["unet", 0, "all", "rmse_m", 3.0, NAN, NAN, 7, 128.0]]
    rows += [["segnet", 0, "all", "rmse_m", 6.0, 5.0, 7.0, 20, 128.0]]
    pairs = [["im2height", "unet", "all", "rmse_m", 2.0, NAN, NAN, NAN, NAN, 7, ""]]
    text = said(table_of(unet=3.0, im2height=5.0, segnet=6.0), known(rows, pairs))
    assert "3.00 m (too few blocks (7) for an interval)" in text
    assert "may be as good: there are too few blocks (7) to test it." in text


@pytest.mark.parametrize(
    ("better", "p", "words"),
    [
        ("second", 0.012, "is really worse (difference +2.00 m, +1.50 to +2.50 m, p = 0.012)"),
        ("second", 0.0002, "p < 0.001"),
        ("", 0.3, "cannot be told from it (difference +2.00 m, +1.50 to +2.50 m, p = 0.300; real below 0.05)"),
    ],
)
def test_whether_the_second_best_is_really_worse(better: str, p: float, words: str):
    table = table_of(unet=3.0, im2height=5.0, mean_height=9.0)
    assert words in said(table, known(INTERVAL, [pair(better, p)]))
    turned = [["unet", "im2height", "all", "rmse_m", -2.0, -2.5, -1.5, p / 2, p, 30, "first" if better else ""]]
    assert words in said(table, known(INTERVAL, turned))


@pytest.mark.parametrize(
    ("rmse_m", "words"),
    [
        ({"unet": 5.0, "mean_height": 4.0}, "No trained method beats mean_height"),
        ({"unet": 4.0, "mean_height": 4.0}, "No trained method beats mean_height"),
        ({"unet": 5.0}, "mean_height was not run"),
        ({"mean_height": 4.0}, "trivial baselines only"),
    ],
)
def test_what_is_missing_is_said(rmse_m: dict, words: str):
    assert words in said(table_of(**rmse_m))


def test_on_buildings_another_method_may_be_best():
    text = said(table_of(unet=1.0, im2height=2.0, buildings_m={"unet": 9.0, "im2height": 7.0}), known(INTERVAL))
    assert "On buildings im2height has the lowest of them: 7.00 m." in text
    assert "unet (9.00 m), second best on buildings, may be as good: the two were not compared." in text


def test_a_baseline_that_is_better_is_not_hidden():
    table = table_of(unet=3.0, zero_height=2.0, buildings_m={"unet": 9.0, "zero_height": 9.5})
    text = findings(table, known())
    assert text.count("zero_height learns nothing and is better: 2.00 m.") == 1
    assert not [sentence for sentence in text if "9.50" in sentence]


@pytest.mark.parametrize(
    ("better", "p", "words"), [("", 0.6, "but not really (p = 0.600)"), ("second", 0.01, "really (p = 0.010)")]
)
def test_whether_a_baseline_is_really_better(better: str, p: float, words: str):
    pairs = [["unet", "zero_height", "all", "rmse_m", 1.0, 0.5, 1.5, p, p, 30, better]]
    text = said(table_of(unet=3.0, zero_height=2.0), known(INTERVAL, pairs))
    assert f"zero_height learns nothing and is better: 2.00 m, {words}." in text


def test_building_heights_are_ranked_on_buildings_alone():
    others = table_of("building_height", {"segnet": 5.0}, segnet=0.5)
    table = pandas.concat([table_of(unet=1.0, buildings_m={"unet": 9.0}), others])
    text = said(table)
    assert "unet has the lowest RMSE of the trained methods: 1.00 m" in text
    assert "On buildings segnet has the lowest of them: 5.00 m." in text

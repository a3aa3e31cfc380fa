"""The main finding in words."""

import pandas
import pytest
from record_cases import numbers_in

from img2height.comparison.record import Comparison, Interval
from img2height.report.tables.findings import findings
from img2height.report.tables.intervals import Uncertainty

NAN = float("nan")
INTERVAL = [["unet", 0, "all", "rmse_m", 3.0, 2.5, 3.6, 40, 128.0]]
TRIVIAL = ("mean_height", "zero_height")


def uncertainty_of(rows: list = (), pairs: list = ()) -> Uncertainty:
    return Uncertainty([Interval(*row) for row in rows], [Comparison(*row) for row in pairs], 0)


def table_of(group: str = "heights", buildings_m: dict | None = None, **rmse_m: float) -> pandas.DataFrame:
    rows = [
        {"method": name, "trivial": name in TRIVIAL, "group": group, "all_rmse_m": value}
        | {"buildings_rmse_m": (buildings_m or {}).get(name, float("nan"))}
        for name, value in rmse_m.items()
    ]
    return pandas.DataFrame(rows).sort_values(["trivial", "all_rmse_m"])


def found(table: pandas.DataFrame, uncertainty: Uncertainty | None = None) -> dict[tuple[str, str], set[float]]:
    """Return the numbers of each finding by its kind and method."""
    listed = findings(table, uncertainty or uncertainty_of())
    numbers = {(item.kind, item.method): set(numbers_in(item.text)) for item in listed}
    assert len(numbers) == len(listed)
    assert all(item.method in item.text and item.text.endswith(".") for item in listed)
    return numbers


def pair(better: str, p: float, stratum: str = "all") -> list:
    return ["im2height", "unet", stratum, "rmse_m", 2.0, 1.5, 2.5, p / 2, p, 30, better]


def test_the_best_method_its_lead_and_methods_without_skill():
    numbers = found(table_of(im2height=5.0, unet=3.0, mean_height=4.0))
    assert next(iter(numbers)) == ("best", "unet")
    assert 3.0 in numbers["best", "unet"]
    assert {25, 4.0} <= numbers["gain over the baseline", "unet"]
    assert ("no gain over the baseline", "im2height") in numbers
    assert 0 in numbers["too few blocks", ""]
    assert not {kind for kind, _ in numbers if kind.startswith("second")}


def test_the_interval_is_stated():
    assert found(table_of(unet=3.0), uncertainty_of(INTERVAL))["best", "unet"] >= {3.0, 2.5, 3.6}


def test_too_few_blocks_are_stated():
    rows = [["unet", 0, "all", "rmse_m", 3.0, NAN, NAN, 7, 128.0]]
    rows += [["segnet", 0, "all", "rmse_m", 6.0, 5.0, 7.0, 20, 128.0]]
    pairs = [["im2height", "unet", "all", "rmse_m", 2.0, NAN, NAN, NAN, NAN, 7, ""]]
    numbers = found(table_of(unet=3.0, im2height=5.0, segnet=6.0), uncertainty_of(rows, pairs))
    assert numbers["best", "unet"] >= {3.0, 7}
    assert numbers["second is untested", "im2height"] >= {5.0, 7}


@pytest.mark.parametrize(
    ("better", "p", "kind", "printed"),
    [
        ("second", 0.012, "second is worse", 0.012),
        ("second", 0.0002, "second is worse", 0.001),
        ("", 0.3, "second ties", 0.3),
    ],
)
def test_whether_the_second_best_is_significantly_worse(better: str, p: float, kind: str, printed: float):
    table = table_of(unet=3.0, im2height=5.0, mean_height=9.0)
    expected = {5.0, 2.0, 1.5, 2.5, printed}
    assert found(table, uncertainty_of(INTERVAL, [pair(better, p)]))[kind, "im2height"] >= expected
    turned = [["unet", "im2height", "all", "rmse_m", -2.0, -2.5, -1.5, p / 2, p, 30, "first" if better else ""]]
    assert found(table, uncertainty_of(INTERVAL, turned))[kind, "im2height"] >= expected


@pytest.mark.parametrize(
    ("rmse_m", "finding"),
    [
        ({"unet": 5.0, "mean_height": 4.0}, ("none beats the baseline", "mean_height")),
        ({"unet": 4.0, "mean_height": 4.0}, ("none beats the baseline", "mean_height")),
        ({"unet": 5.0}, ("no baseline", "mean_height")),
        ({"mean_height": 4.0}, ("untrained only", "")),
    ],
)
def test_missing_baselines_and_missing_skill_are_stated(rmse_m: dict, finding: tuple[str, str]):
    assert finding in found(table_of(**rmse_m))


def test_on_buildings_another_method_may_be_best():
    numbers = found(
        table_of(unet=1.0, im2height=2.0, buildings_m={"unet": 9.0, "im2height": 7.0}), uncertainty_of(INTERVAL)
    )
    assert numbers["best on buildings", "im2height"] >= {7.0}
    assert numbers["second is untested", "unet"] >= {9.0}


def test_a_baseline_that_is_better_is_not_hidden():
    numbers = found(table_of(unet=3.0, zero_height=2.0, buildings_m={"unet": 9.0, "zero_height": 9.5}))
    assert numbers["untrained is better", "zero_height"] == {2.0}


@pytest.mark.parametrize(("better", "p"), [("", 0.6), ("second", 0.01)])
def test_whether_a_baseline_is_significantly_better(better: str, p: float):
    pairs = [["unet", "zero_height", "all", "rmse_m", 1.0, 0.5, 1.5, p, p, 30, better]]
    table = table_of(unet=3.0, zero_height=2.0)
    assert found(table, uncertainty_of(INTERVAL, pairs))["untrained is better", "zero_height"] >= {2.0, p}
    tie, lead = (text_of(table, item, p) for item in ("", "second"))
    assert tie != lead


def text_of(table: pandas.DataFrame, better: str, p: float) -> str:
    pairs = [["unet", "zero_height", "all", "rmse_m", 1.0, 0.5, 1.5, p, p, 30, better]]
    return next(item.text for item in findings(table, uncertainty_of(INTERVAL, pairs)) if item.method == "zero_height")


def test_building_heights_are_ranked_on_buildings_only():
    others = table_of("building_height", {"segnet": 5.0}, segnet=0.5)
    numbers = found(pandas.concat([table_of(unet=1.0, buildings_m={"unet": 9.0}), others]))
    assert numbers["best", "unet"] >= {1.0}
    assert numbers["best on buildings", "segnet"] >= {5.0}

"""Errors of the heights and volumes of buildings, by class."""

import numpy as np
import pandas
import pytest

from img2height.metrics import BuildingErrors, errors_by_class, height_errors

NAN = float("nan")


def table(*rows: tuple[float, float, float]) -> pandas.DataFrame:
    return pandas.DataFrame(rows, columns=["height_m", "volume_m3", "area_m2"])


REFERENCE = table((3, 300, 100), (8, 800, 100.5), (12, 12_000, 1000), (NAN, NAN, 50), (30, 3000, 100))
PREDICTED = table((4, 350, 90), (6, 700, 110), (12.5, 11_000, 900), (5, 250, 50), (NAN, NAN, 100))


def test_heights_and_volumes_by_class():
    found = height_errors(PREDICTED, REFERENCE).set_index("class")
    # errors 1, -2 and 0.5 m; 50, -100 and -1000 m3 of 13100
    assert found.loc["all"].to_dict() == pytest.approx(
        {
            "bias_m": -0.5 / 3, "mae_m": 3.5 / 3, "rmse_m": (5.25 / 3) ** 0.5, "volume_bias": -1050 / 13_100,
            "volume_error": 1150 / 13_100, "volume_mae_m3": 1150 / 3, "buildings": 3, "volumes": 3,
        },
        rel=1e-8,
    )  # fmt: skip
    assert found.bias_m.drop("all").dropna().to_dict() == {
        "height_0_3": 1, "height_3_10": -2, "height_10_20": 0.5,
        "building_0_100": 1, "building_100_500": -2, "building_500": 0.5,
    }  # fmt: skip
    assert found.loc["height_20_50", ["buildings", "volumes"]].tolist() == [0, 0]


def test_errors_add_up_whatever_the_order():
    rng = np.random.default_rng(0)
    ours, theirs = (
        pandas.DataFrame(rng.uniform(1, 60, (200, 3)) * [1, 100, 10], columns=list(REFERENCE)) for _ in "pr"
    )
    whole = errors_by_class(ours, theirs)
    order = rng.permutation(200)
    parts = [errors_by_class(ours.iloc[some], theirs.iloc[some]) for some in np.split(order, [30, 150])]
    assert {name: parts[0][name] + parts[1][name] + parts[2][name] for name in whole} == whole
    assert sum(whole[name].buildings for name in whole if name.startswith("height_")) == 200
    assert whole["all"].scores()["mae_m"] == pytest.approx((ours.height_m - theirs.height_m).abs().mean())


def test_nothing_gives_none():
    assert height_errors(table(), table()).loc[0, ["bias_m", "volume_error"]].isna().all()
    assert BuildingErrors().scores() == dict.fromkeys(
        ["bias_m", "mae_m", "rmse_m", "volume_bias", "volume_error", "volume_mae_m3"]
    ) | {"buildings": 0, "volumes": 0}

"""Errors by class."""

import pandas
import pytest
from record_cases import method_scores, numbers_in

from img2height.comparison.record import Interval
from img2height.report.tables.classes import class_table, flattening, heights_only, tallest
from img2height.report.tables.intervals import Uncertainty


def block(bias_m: float | None, pixels: int = 10) -> dict:
    return {"pixels": pixels, "bias_m": bias_m, "mae_m": 1.0, "rmse_m": 2.0}


STRATA = {
    "all": block(0.0), "height_0_3": block(0.5), "height_20_50": block(-4.0), "height_50": block(None, 0),
    "edges": block(1.0), "buildings": block(0.0),
}  # fmt: skip
KNOWN = Uncertainty([Interval("unet", 0, "height_20_50", "bias_m", -4.0, -5.0, -3.0, 25, 64.0)], [], 0)


def table_of(*strata: dict) -> pandas.DataFrame:
    """Return the classes of a method with these scores by seed."""
    return class_table([method_scores("unet", seed, strata=each) for seed, each in enumerate(strata)], KNOWN, "unet")


def test_classes_with_pixels_have_the_mean_over_the_seeds_and_intervals():
    table = table_of(STRATA, STRATA | {"height_0_3": block(1.5)})
    assert table.stratum.tolist() == ["height_0_3", "height_20_50", "edges"]
    assert table.bias_m.tolist() == [1.0, -4.0, 1.0]
    assert (table.bias_m_interval[1].low, table.bias_m_interval[1].high) == (-5.0, -3.0)
    assert table.bias_m_interval[0] is None
    assert heights_only(table).stratum.tolist() == ["height_0_3", "height_20_50"]


@pytest.mark.parametrize(
    ("strata", "tall"),
    [
        (STRATA, "height_20_50"),
        (STRATA | {"buildings_tall": block(-9.0)}, "buildings_tall"),
        ({"all": block(0.0), "height_0_3": block(0.0)}, None),
    ],
)
def test_the_tallest_class(strata: dict, tall: str | None):
    assert tallest({"unet": table_of(strata), "none": table_of({})}) == tall


def test_a_finding_states_the_bias_of_tall_buildings():
    (finding,) = flattening({"unet": table_of(STRATA)}, ["unet"], "height_20_50")
    assert (finding.kind, finding.method) == ("tall", "unet")
    assert {4.0, -5.0, -3.0} <= set(numbers_in(finding.text))


def test_the_finding_is_of_the_best_method_that_has_tall_buildings():
    """A method of terrain has no classes, another left all tall buildings out."""
    tables = {"cgan": table_of({"all": block(0.0)}), "gaps": table_of({"height_0_3": block(0.5)})}
    (finding,) = flattening(tables | {"unet": table_of(STRATA)}, ["cgan", "gaps", "unet"], "height_20_50")
    assert finding.method == "unet"
    assert flattening(tables, ["cgan", "gaps"], None) == []

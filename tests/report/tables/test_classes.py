"""Errors by class of ground."""

import pandas
import pytest

from img2height.comparison.collect import INTERVAL_COLUMNS
from img2height.comparison.pairwise import COMPARISON_COLUMNS
from img2height.report.tables.classes import class_table, flattening, heights_only, tallest
from img2height.report.tables.intervals import Uncertainty


def block(bias_m: float | None, pixels: int = 10) -> dict:
    return {"pixels": pixels, "bias_m": bias_m, "mae_m": 1.0, "rmse_m": 2.0}


ENTRY = {
    "all": block(0.0), "height_0_3": block(0.5), "height_20_50": block(-4.0), "height_50": block(None, 0),
    "edges": block(1.0), "buildings": block(0.0),
}  # fmt: skip
INTERVALS = pandas.DataFrame(
    [["unet", 0, "height_20_50", "bias_m", -4.0, -5.0, -3.0, 25, 64.0]], columns=INTERVAL_COLUMNS
)
KNOWN = Uncertainty(INTERVALS, pandas.DataFrame(columns=COMPARISON_COLUMNS), 0)


def test_classes_that_have_pixels_with_the_mean_of_the_seeds_and_intervals():
    table = class_table([ENTRY, ENTRY | {"height_0_3": block(1.5)}], KNOWN, "unet")
    assert table.stratum.tolist() == ["height_0_3", "height_20_50", "edges"]
    assert table.bias_m.tolist() == [1.0, -4.0, 1.0]
    assert table.bias_m_interval[1].text("bias_m") == "−5.00 to −3.00"
    assert table.bias_m_interval[0] is None
    assert heights_only(table).stratum.tolist() == ["height_0_3", "height_20_50"]


@pytest.mark.parametrize(
    ("entry", "stratum"),
    [
        (ENTRY, "height_20_50"),
        (ENTRY | {"buildings_tall": block(-9.0)}, "buildings_tall"),
        ({"all": block(0.0), "height_0_3": block(0.0)}, None),
    ],
)
def test_the_tallest_class(entry: dict, stratum: str | None):
    assert tallest({"unet": class_table([entry], KNOWN, "unet"), "none": class_table([{}], KNOWN, "none")}) == stratum


def test_flattened_buildings_are_said():
    sentence = flattening(class_table([ENTRY], KNOWN, "unet"), "unet", "height_20_50")
    assert sentence == (
        "Reference 20 to 50 m: unet lies 4.0 m below the reference on average (95 % interval of the bias −5.00 to "
        "−3.00 m)."
    )

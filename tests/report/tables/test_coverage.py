"""The table and the chart of intervals: order, texts and missing values."""

import math

from img2height.comparison.record import Coverage
from img2height.report.figures.drawing import drawn
from img2height.report.figures.reliability import reliability
from img2height.report.tables.coverage import coverage_table, over_all_pixels
from img2height.report.tables.intervals import Uncertainty

NAN = math.nan


def coverage(method: str, kind: str, stratum: str, level: float, share: float, *, seed: int = 0) -> Coverage:
    ends = (share - 0.03, share + 0.02) if level == 0.9 and not math.isnan(share) else (NAN, NAN)
    bounded = 0.0 if math.isnan(share) else 0.75
    width_m = NAN if math.isnan(share) else 2.5
    return Coverage(method, seed, kind, stratum, level, share, *ends, width_m, bounded, 1200, 30)


UNCERTAINTY = Uncertainty([], [], 0, [
    coverage("unet", "buildings", "all", 0.9, NAN),
    coverage("unet", "pixels", "height_3_10", 0.9, 0.8),
    coverage("unet", "pixels", "all", 0.9, 0.9),
    coverage("unet", "pixels", "all", 0.5, 0.55),
    coverage("unet", "pixels", "all", 0.9, 0.7, seed=1),
    coverage("zero", "pixels", "all", 0.9, 0.95),
])  # fmt: skip


def test_rows_are_of_one_seed_and_the_written_level_in_order() -> None:
    rows = coverage_table(UNCERTAINTY, ["zero", "unet"])
    assert [(row.method, row.kind, row.title) for row in rows] == [
        ("zero", "pixels", "all heights"),
        ("unet", "pixels", "all heights"),
        ("unet", "pixels", "predicted 3 to 10 m"),
        ("unet", "buildings", "all heights"),
    ]
    assert [(row.coverage.text, row.coverage.interval) for row in rows[:2]] == [
        ("0.950", "0.920 to 0.970"), ("0.900", "0.870 to 0.920"),
    ]  # fmt: skip
    assert (rows[-1].coverage.text, rows[-1].width.text, rows[-1].bounded.text) == ("–", "–", "0.000")


def test_the_chart_has_a_line_per_method_with_its_levels() -> None:
    found = over_all_pixels(UNCERTAINTY, ["zero", "unet"])
    assert [(one.method, one.level) for one in found] == [("zero", 0.9), ("unet", 0.5), ("unet", 0.9)]
    figure = reliability(found)
    lines = {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].lines}
    assert lines["unet"] == [[0.5, 0.55], [0.9, 0.9]]
    assert drawn(figure).shape[2] >= 3

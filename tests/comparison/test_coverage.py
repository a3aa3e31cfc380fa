"""Coverage of intervals by hand, and its own interval from blocks."""

import math

import numpy as np
import pandas
import pytest

from img2height.comparison.coverage import coverage_rows
from img2height.comparison.record import Coverage

TILE_PX = 64


def tiles(covered: np.ndarray, level: float = 0.9, stratum: str = "all") -> pandas.DataFrame:
    """Return tiles of 100 pixels, of which 80 have an interval of 2 m, and so many their reference inside."""
    side = math.isqrt(len(covered))
    row, column = np.divmod(np.arange(len(covered)), side)
    return pandas.DataFrame(
        {
            "dataset": "d", "scene": "s", "row_off": row * TILE_PX, "col_off": column * TILE_PX, "kind": "pixels",
            "stratum": stratum, "level": level, "count": 100, "bounded": 80, "covered": covered, "width_sum_m": 160.0,
        }
    )  # fmt: skip


def test_coverage_width_and_share_by_hand() -> None:
    (row,) = coverage_rows({("unet", 0): tiles(np.array([80, 60, 40, 80]))}, TILE_PX)
    assert row[:6] == ("unet", 0, "pixels", "all", 0.9, pytest.approx(260 / 320))
    assert (row.width_m, row.bounded, row.number) == (2, 0.8, 400)
    assert math.isnan(row.low)  # four blocks are too few


def test_enough_blocks_give_an_interval_at_the_written_level_only() -> None:
    covered = np.random.default_rng(0).integers(60, 81, 100)
    rows = coverage_rows({("unet", 0): pandas.concat([tiles(covered), tiles(covered, level=0.5)])}, TILE_PX)
    half, whole = rows
    assert whole.low < whole.coverage == covered.sum() / 8000 < whole.high
    assert half.level == 0.5 and math.isnan(half.low)


def test_without_any_interval_the_coverage_is_missing() -> None:
    (row,) = coverage_rows({("unet", 0): tiles(np.zeros(100, int)).assign(bounded=0, width_sum_m=0.0)}, TILE_PX)
    assert math.isnan(row.coverage) and math.isnan(row.width_m) and row.bounded == 0
    assert coverage_rows({("unet", 0): tiles(np.zeros(0, int))}, TILE_PX) == []


def test_fields_are_columns() -> None:
    assert Coverage._fields[:5] == ("method", "seed", "kind", "stratum", "level")

"""How often intervals of heights contain the reference: the content of interval_coverage.csv."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas

from img2height.comparison.blocks import Blocks
from img2height.comparison.bootstrap import draw_blocks, resample
from img2height.comparison.record import Coverage
from img2height.conformal.calibration import LEVEL
from img2height.io.tables import by_columns
from img2height.scoring.intervals import COUNTS


def coverage_rows(tiles: Mapping[tuple[str, int], pandas.DataFrame], side_px: int) -> list[Coverage]:
    """Return the coverage of each method and seed by kind, class and level.

    Args:
        tiles: by method and seed, see `interval_tiles`.
        side_px: side of the bootstrap blocks.
    """
    tables = [table for table in tiles.values() if not table.empty]
    if not tables:
        return []
    blocks = Blocks.of(pandas.concat(tables), side_px)
    drawn = draw_blocks(len(blocks.keys))
    return [row for (method, seed), table in tiles.items() for row in _of_method(method, seed, table, blocks, drawn)]


def _of_method(
    method: str, seed: int, table: pandas.DataFrame, blocks: Blocks, drawn: np.ndarray
) -> Iterator[Coverage]:
    for (kind, stratum, level), frame in by_columns(table, ["kind", "stratum", "level"]):
        sums = blocks.add_up(frame, {name: frame[name].to_numpy(np.float64) for name in COUNTS})
        total = {name: float(values.sum()) for name, values in sums.items()}
        (found,) = resample(sums, drawn[: 1 if level != LEVEL else None], _coverage).values()
        estimated = level == LEVEL and not math.isnan(found.value)
        low, high = (found.interval(blocks.neighbours) if estimated else None) or (math.nan, math.nan)
        yield Coverage(
            method, seed, kind, stratum, level, found.value, low, high,
            _share(total["width_sum_m"], total["bounded"]), _share(total["bounded"], total["count"]),
            int(total["count"]), found.blocks,
        )  # fmt: skip


def _coverage(sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    with np.errstate(invalid="ignore"):
        return {"coverage": sums["covered"] / sums["bounded"]}


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan

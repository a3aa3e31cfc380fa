"""The results of a study's variants, compared on the tiles that all of them were scored on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas

from img2height.comparison.blocks import Blocks
from img2height.comparison.bootstrap import Resampled, draw_blocks, resample
from img2height.errors import DataError
from img2height.vocabulary.tiles import TILE

SAME = [*TILE, "reference_pixels"]
SUMS = ["pixels", "square_sum_m2"]
Prediction = tuple[str, str]  # variant and method


@dataclass(frozen=True)
class Outcome:
    """One finished variant.

    Attributes:
        label: its name in figures.
        tiles: by method, the tiles of all strata of the first seed, as written by `evaluate`.
        block_px: side of the bootstrap blocks that its errors require, see `collect_metrics`.
        training_km2: training area in square kilometres, the mean over the folds.
    """

    label: str
    tiles: Mapping[str, pandas.DataFrame]
    block_px: int
    training_km2: float


@dataclass(frozen=True)
class Shared:
    """The RMSE of several predictions on the same tiles.

    Attributes:
        rmse: by variant and method, each with its resamples.
        tiles: number of tiles.
        neighbours: see `Blocks`.
    """

    rmse: Mapping[Prediction, Resampled]
    tiles: int
    neighbours: np.ndarray

    def scores(self, name: Prediction) -> dict[str, float]:
        """Return rmse_m, low_m and high_m in metres; the ends of the interval are NaN if there are too few blocks."""
        low_m, high_m = self.interval(self.rmse[name])
        return {"rmse_m": self.rmse[name].value, "low_m": low_m, "high_m": high_m}

    def interval(self, score: Resampled) -> tuple[float, float]:
        """Return the ends of the interval of a score or a difference of two; NaN if there are too few blocks."""
        return score.interval(self.neighbours) or (float("nan"), float("nan"))


def on_shared_tiles(tables: Mapping[Prediction, pandas.DataFrame], block_px: int) -> Shared:
    """Return the RMSE of predictions over the tiles that have the same reference pixels in all of them.

    Args:
        tables: tiles by variant and method, of any strata.
        block_px: side of the bootstrap blocks, a multiple of the tiles'.

    Raises:
        DataError: there is no such tile.
    """
    every = {name: table[(table.stratum == "all") & (table.reference_pixels > 0)] for name, table in tables.items()}
    keys = reduce(pandas.Index.intersection, [pandas.MultiIndex.from_frame(table[SAME]) for table in every.values()])
    if keys.empty:
        raise DataError(
            f"{', '.join(f'{method} of {variant}' for variant, method in tables)} have no tile in common: their test "
            "areas must share whole tiles of metrics.tile_px"
        )
    blocks = Blocks.of(keys.to_frame(index=False), block_px)
    drawn = draw_blocks(len(blocks.keys))
    rmse = {}
    for name, table in every.items():
        shared = table[pandas.MultiIndex.from_frame(table[SAME]).isin(keys)]
        sums = {column: shared[column].to_numpy(np.float64) for column in SUMS}
        rmse[name] = resample(blocks.add_up(shared, sums), drawn, _rmse)["rmse_m"]
    return Shared(rmse, len(keys), blocks.neighbours)


def widest(outcomes: Sequence[Outcome]) -> int:
    """Return the side of bootstrap blocks in pixels that is sufficient for all variants."""
    return max(outcome.block_px for outcome in outcomes)


def _rmse(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    with np.errstate(invalid="ignore"):  # a draw without a pixel has no score
        return {"rmse_m": np.sqrt(sums["square_sum_m2"] / sums["pixels"])}

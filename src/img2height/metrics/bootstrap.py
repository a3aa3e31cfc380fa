"""Intervals from the spatial-block bootstrap: tiles are drawn with replacement, for pixels beside each other err alike.

Künsch (1989), "The Jackknife and the Bootstrap for General Stationary Observations", doi:10.1214/aos/1176347265.
"""

from dataclasses import dataclass

import numpy as np
import pandas

from img2height.errors import DataError

TILE = ["dataset", "scene", "col_off", "row_off"]
LEAST_TILES = 20


@dataclass(frozen=True)
class Difference:
    """By how much the RMSE of one method is above that of another on the same ground.

    Attributes:
        rmse_m: difference of the pooled RMSE in metres; negative where the first method is better.
        low_m: lower end of the interval.
        high_m: upper end of the interval.
        tiles: number of tiles that were drawn from.
    """

    rmse_m: float
    low_m: float
    high_m: float
    tiles: int


def compare(
    first: pandas.DataFrame, second: pandas.DataFrame, *, level: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Difference:
    """Return the difference of the RMSE of two methods with its percentile interval over resampled tiles.

    Both methods are scored on the same draw of tiles, so that what is hard for both cancels.

    Args:
        first: tiles of the one method: dataset, scene, col_off, row_off, pixels, rmse_m.
        second: tiles of the other.
        level: share of the resamples inside the interval.
        resamples: how many draws.
        seed: same seed, same interval.

    Raises:
        DataError: the methods were not scored on the same tiles, or these are too few.
    """
    both = first.merge(second, on=[*TILE, "pixels"], suffixes=("_first", "_second"))
    if len(both) != len(first) or len(both) != len(second):
        raise DataError(
            f"{len(first)} and {len(second)} tiles were scored and {len(both)} are the same; compare methods of one "
            "experiment, whose predictions cover the same ground"
        )
    if len(both) < LEAST_TILES:
        raise DataError(
            f"{len(both)} tiles are too few for an interval, {LEAST_TILES} are needed; lower metrics.tile_px or test "
            "on more ground"
        )
    pixels = both["pixels"].to_numpy(np.float64)
    squares = pixels[:, None] * both[["rmse_m_first", "rmse_m_second"]].to_numpy() ** 2  # tiles x 2
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(both), np.full(len(both), 1 / len(both)), size=resamples)  # resamples x tiles
    difference_m = _difference(drawn @ squares, drawn @ pixels)
    low_m, high_m = np.quantile(difference_m, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Difference(float(_difference(squares.sum(axis=0), pixels.sum())), low_m, high_m, len(both))


def _difference(squares: np.ndarray, pixels: np.ndarray | float) -> np.ndarray:
    rmse = np.sqrt(squares / np.asarray(pixels)[..., None])  # ... x 2
    return rmse[..., 0] - rmse[..., 1]

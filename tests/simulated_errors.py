"""Simulated errors with spatial correlation, with a known RMSE, MAE and bias."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas
from scipy import fft
from scipy.stats import norm

from img2height.comparison.blocks import Blocks
from img2height.comparison.bootstrap import Resampled, draw_blocks, resample

Transform = Callable[[np.ndarray], np.ndarray]
SHAPES: dict[str, Transform] = {
    "normal": lambda z: z,
    "skewed": lambda z: np.exp(0.5 * z) - np.exp(0.125),
    "very skewed": lambda z: np.exp(z) - np.exp(0.5),
}
SCORES = ("rmse_m", "mae_m", "bias_m")


class Setting(NamedTuple):
    """A grid of `across` x `across` blocks, and errors whose correlation falls to 1/e at `length_px`."""

    across: int
    block_px: int
    length_px: float
    correlation: str  # gaussian | exponential
    shape: str


def fields(count: int, side_px: int, length_px: float, correlation: str, seed: int) -> Iterator[np.ndarray]:
    """Yield Gaussian fields of variance 1, cut from periodic ones wide enough that opposite sides are independent."""
    rng = np.random.default_rng(seed)
    wide = fft.next_fast_len(side_px + round(8 * length_px))
    distance = np.hypot(*np.meshgrid(*[fft.fftfreq(wide) * wide] * 2)) / length_px
    covariance = np.exp(-(distance**2)) if correlation == "gaussian" else np.exp(-distance)
    amplitude = np.sqrt(np.maximum(fft.fft2(covariance).real, 0))
    amplitude /= np.sqrt(np.mean(amplitude**2))
    for number in range(count):
        if number % 2 == 0:
            noise = rng.standard_normal((2, wide, wide))
            pair = fft.fft2(amplitude * (noise[0] + 1j * noise[1])) / wide  # its two parts are independent
        yield (pair.imag if number % 2 else pair.real)[:side_px, :side_px]


def sums_of(errors: np.ndarray, across: int) -> dict[str, np.ndarray]:
    """Return the sums of each block, row by row."""
    tiles = errors.reshape(across, errors.shape[0] // across, across, -1)
    columns = {"error_sum_m": tiles, "absolute_sum_m": np.abs(tiles), "square_sum_m2": tiles**2}
    sums = {name: values.sum(axis=(1, 3)).ravel() for name, values in columns.items()}
    return sums | {"pixels": np.full(across**2, errors.size / across**2)}


def scores(sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    mse, mae, bias = (sums[name] / sums["pixels"] for name in ("square_sum_m2", "absolute_sum_m", "error_sum_m"))
    return {"rmse_m": np.sqrt(mse), "mae_m": mae, "bias_m": bias}


def grid(across: int) -> Blocks:
    """Return the blocks of one square scene."""
    row, col = np.divmod(np.arange(across**2), across)
    return Blocks.of(pandas.DataFrame({"dataset": "d", "scene": "s", "row_off": row, "col_off": col}), 1)


def truth(shape: Transform) -> dict[str, float]:
    """Return the scores of infinitely many errors, from the quantiles of the normal distribution."""
    errors = shape(norm.ppf((np.arange(1_000_000) + 0.5) / 1_000_000))
    return {name: float(value[0]) for name, value in scores(sums_of(errors.reshape(1000, 1000), 1)).items()}


def naive(errors: np.ndarray, found: Resampled, score: str) -> tuple[float, float]:
    """Return the interval that treats pixels as independent."""
    values = {"rmse_m": errors**2, "mae_m": np.abs(errors), "bias_m": errors}[score]
    slope = 1 / (2 * found.value) if score == "rmse_m" else 1.0
    reach = 1.96 * slope * values.std() / np.sqrt(values.size)
    return found.value - reach, found.value + reach


def coverage(setting: Setting, *, count: int, resamples: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return by score the share of block intervals and of naive intervals that cover the true value."""
    across, block_px, length_px, correlation, shape = setting
    drawn, neighbours = draw_blocks(across**2, resamples=resamples), grid(across).neighbours
    true, held = truth(SHAPES[shape]), {score: np.zeros(2) for score in SCORES}
    for field in fields(count, across * block_px, length_px, correlation, seed):
        errors = SHAPES[shape](field)
        for score, found in resample(sums_of(errors, across), drawn, scores).items():
            ends = found.interval(neighbours), naive(errors, found, score)
            held[score] += [low <= true[score] <= high for low, high in ends]
    return {score: tuple((times / count).tolist()) for score, times in held.items()}

"""The corrections that are compared: affine, affine by class, and boosted trees on the surroundings of a pixel."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor

from img2height.correction.features import BUILDING, NAMES, Described
from img2height.correction.samples import Samples

LEAST_IN_CLASS = 10  # samples; a class with fewer is corrected like all classes together
LEAST_SPREAD_M = 0.5  # standard deviation of predicted heights below which only the offset is fitted
ITERATIONS = 50  # after ten the line does not move any more
TINY_M = 1e-6  # residuals below it are none
# Standard deviations from which on a residual counts linearly. At the usual 1.35 the many flat places make outliers of
# all that is high, and the line flattens the map.
OUTLIER = 3.0
# The loss is Huber's, with the largest 5 % of the residuals as outliers.
LEAST_IN_LEAF = 10
TREES = {
    "loss": "huber", "alpha": 0.95, "n_estimators": 50, "learning_rate": 0.1, "max_depth": 3,
    "min_samples_leaf": LEAST_IN_LEAF, "subsample": 0.7, "random_state": 0,
}  # fmt: skip


class Correction(Protocol):
    """A fitted correction."""

    @property
    def needs_surroundings(self) -> bool:
        """Whether features other than the height are needed."""

    def correct(self, pixels: "Samples | Described") -> np.ndarray:
        """Return corrected heights in metres, float64, in the shape of those that are given; NaN where missing."""

    def in_words(self) -> list[str]:
        """Return what it does, a line per class."""


@dataclass(frozen=True)
class Line:
    """A straight line from predicted to corrected heights.

    Attributes:
        slope: without a unit.
        offset_m: in metres.
    """

    slope: float
    offset_m: float

    def __str__(self) -> str:
        return f"{self.slope:.3f} x height {self.offset_m:+.2f} m"


@dataclass(frozen=True)
class Lines:
    """A line for each class of pixels, a key of `NAMES`; classes without one are not corrected."""

    by_class: dict[int, Line]

    @property
    def needs_surroundings(self) -> bool:
        """No."""
        return False

    def correct(self, pixels: "Samples | Described") -> np.ndarray:
        """Return corrected heights, see `Correction`."""
        found = pixels.height_m.astype(np.float64)
        for kind, line in self.by_class.items():
            there = pixels.classes == kind
            found[there] = line.slope * found[there] + line.offset_m
        return found

    def in_words(self) -> list[str]:
        """Return the lines by class."""
        return [f"{NAMES[kind]}: {line}" for kind, line in self.by_class.items()]


@dataclass(frozen=True)
class Boosted:
    """Boosted trees that add to a straight line what the surroundings of a pixel suggest."""

    lines: Lines
    trees: GradientBoostingRegressor

    @property
    def needs_surroundings(self) -> bool:
        """Yes."""
        return True

    def correct(self, pixels: "Samples | Described") -> np.ndarray:
        """Return corrected heights, see `Correction`."""
        found = self.lines.correct(pixels)
        table = _table(pixels)
        there = np.isin(pixels.classes, list(self.lines.by_class)) & np.isfinite(table).all(axis=1).reshape(found.shape)
        if there.any():
            found[there] += self.trees.predict(table[there.ravel()])
        return found

    def in_words(self) -> list[str]:
        """Return what the trees start from."""
        return [*self.lines.in_words(), f"and {len(self.trees.estimators_)} trees on the surroundings of a pixel"]


def fit_affine(samples: Samples) -> Lines:
    """Return one line for all classes that are among the samples."""
    return Lines(dict.fromkeys(_kinds(samples), _line(samples)))


def fit_by_class(samples: Samples) -> Lines:
    """Return a line for buildings and one for all else, so that no step appears where a height passes a limit."""
    building = samples.classes == BUILDING
    parts = {kind: building if kind == BUILDING else ~building for kind in _kinds(samples)}
    enough = {kind: inside if inside.sum() >= LEAST_IN_CLASS else inside | True for kind, inside in parts.items()}
    return Lines({kind: _line(samples.where(inside)) for kind, inside in enough.items()})


def fit_boosted(samples: Samples) -> Correction:
    """Return trees on what `fit_by_class` leaves (Friedman 2001, doi:10.1214/aos/1013203451).

    Return the lines alone where too few samples have all features for a tree with two leaves.
    """
    lines, there = fit_by_class(samples), np.isfinite(samples.features).all(axis=1)
    if there.sum() < 2 * LEAST_IN_LEAF:
        return lines
    left_m = samples.known_m - lines.correct(samples)
    return Boosted(lines, GradientBoostingRegressor(**TREES).fit(samples.features[there], left_m[there]))


def fit_constant(samples: Samples) -> Lines:
    """Return the mean of the known heights everywhere: what a map has to beat to be worth anything."""
    return Lines(dict.fromkeys(_kinds(samples), Line(0.0, float(samples.known_m.mean()))))


# In the order of their complexity.
FITS: dict[str, Callable[[Samples], Correction]] = {
    "affine": fit_affine,
    "affine by class": fit_by_class,
    "boosted trees": fit_boosted,
}


def _kinds(samples: Samples) -> list[int]:
    return np.unique(samples.classes).tolist()


def _line(samples: Samples) -> Line:
    """Return the line with the least squares, to which large residuals count linearly (Huber 1964, proposal 2).

    The scale of the residuals is found with the line, from residuals that are clipped at `OUTLIER` scales. Source:
    https://doi.org/10.1214/aoms/1177703732. scikit-learn's HuberRegressor fails where all samples lie on a line.
    """
    height_m, known_m = samples.height_m, samples.known_m
    if height_m.std() < LEAST_SPREAD_M:
        return Line(1.0, float(np.median(known_m - height_m)))
    weight, scale = np.ones_like(height_m), math.inf
    for _ in range(ITERATIONS):
        middle = np.average(np.stack([height_m, known_m]), axis=1, weights=weight)
        x, y = height_m - middle[0], known_m - middle[1]
        slope = float(weight @ (x * y) / (weight @ x**2))
        residual = np.abs(y - slope * x)
        scale = float(np.sqrt(np.mean(residual.clip(max=OUTLIER * scale) ** 2)))
        weight = np.minimum(OUTLIER * scale / residual.clip(min=TINY_M), 1)
        if scale < TINY_M:
            break
    return Line(slope, float(middle[1] - slope * middle[0]))


def _table(pixels: "Samples | Described") -> np.ndarray:
    """Return the features of pixels, NxK."""
    features = pixels.features
    return features if features.ndim == 2 else features.reshape(len(features), -1).T

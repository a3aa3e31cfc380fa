"""Whether roofs are flat or pitched, from the heights inside their outlines."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FLAT, PITCHED = "flat", "pitched"
PIXELS = 25  # at least: a roof has five coefficients, and each needs several pixels
RISE_M = 1.0  # of the fitted roof, from its lowest to its highest pixel
SLOPE = 0.18  # rise over run, 10 degrees
EXPLAINED = 0.6  # share of the variance that the fitted roof explains
FLAT_SPREAD_M = 0.5  # largest standard deviation of the heights of a flat roof
RIDGE = 1e-9  # added to the normal equations: in a narrow strip two terms are the same


@dataclass(frozen=True)
class Groups:
    """Sums over pixels by label.

    Attributes:
        label: of each pixel, int from 1.
        count: number of labels.
    """

    label: np.ndarray
    count: int

    @cached_property
    def pixels(self) -> np.ndarray:
        """Number of pixels by label; the first belongs to no label."""
        return np.bincount(self.label, minlength=self.count + 1)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of the values by label, 0 without pixels."""
        return np.bincount(self.label, values, self.count + 1) / np.maximum(self.pixels, 1)

    def span(self, values: np.ndarray) -> np.ndarray:
        """Return the largest minus the smallest value by label, 0 or less without pixels."""
        lowest, highest = np.full(self.count + 1, np.inf), np.full(self.count + 1, -np.inf)
        np.minimum.at(lowest, self.label, values)
        np.maximum.at(highest, self.label, values)
        return highest - lowest


def roof_types(labels: np.ndarray, height: np.ndarray, count: int, gsd_m: float) -> np.ndarray:
    """Return `flat`, `pitched` or None for the labels 1 to `count`; None where the heights do not show it.

    A roof of one, two (gable) or four slopes (hip) is a + b u + c v + d |u| + e |v|, fitted by least squares; u and v
    are distances from the middle of the building along its slopes and across. Roofs of other shapes are mostly None.

    Args:
        labels: HxW int, 0 outside buildings; pixels at the walls are better left out.
        height: HxW heights in metres, NaN where missing.
        count: number of labels.
        gsd_m: ground sampling distance in metres.
    """
    rows, columns = np.nonzero((labels > 0) & np.isfinite(height))
    groups = Groups(labels[rows, columns], count)
    heights = height[rows, columns].astype(np.float64)
    heights -= groups.mean(heights)[groups.label]
    spread = np.sqrt(groups.mean(heights**2))
    u, v = _own_axes(groups, rows * gsd_m, columns * gsd_m, slope_directions(labels, height, count))
    terms = np.stack([np.ones_like(u), u, v, np.abs(u), np.abs(v)])
    roofs = _least_squares(groups, terms, heights)
    fitted = (roofs[groups.label].T * terms).sum(axis=0)
    unexplained = np.sqrt(groups.mean((heights - fitted) ** 2))
    slope = np.hypot(np.abs(roofs[:, 1]) + np.abs(roofs[:, 3]), np.abs(roofs[:, 2]) + np.abs(roofs[:, 4]))
    steep = (slope >= SLOPE) & (groups.span(fitted) >= RISE_M) & (unexplained**2 <= (1 - EXPLAINED) * spread**2)
    types = np.full(count + 1, None, dtype=object)
    types[spread <= FLAT_SPREAD_M] = FLAT
    types[steep] = PITCHED
    types[groups.pixels < PIXELS] = None
    return types[1:]


def slope_directions(labels: np.ndarray, height: np.ndarray, count: int) -> np.ndarray:
    """Return the direction of the slopes by label, radians from the row axis, modulo 90 degrees; the first is no label.

    Angles are averaged four times their size, so that slopes that face each other or meet at a right angle agree, and
    weighted by the squared slope.

    Args:
        labels: HxW int, 0 outside buildings.
        height: HxW heights, NaN where missing.
        count: number of labels.
    """
    same = np.logical_and.reduce([side == labels[1:-1, 1:-1] for side in _neighbours(labels)])
    up, down, left, right = _neighbours(height)
    slopes = (down - up) + 1j * (right - left)
    inside = same & (labels[1:-1, 1:-1] > 0) & np.isfinite(slopes)
    label, slopes = labels[1:-1, 1:-1][inside], slopes[inside].astype(np.complex128)
    turned = slopes**4 / np.maximum(np.abs(slopes) ** 2, np.finfo(float).tiny)
    east, north = (np.bincount(label, part, count + 1) for part in (turned.imag, turned.real))
    return np.arctan2(east, north) / 4


def _neighbours(array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the pixels above, below, left and right of all pixels that are not at the border, (H-2)x(W-2) each."""
    return array[:-2, 1:-1], array[2:, 1:-1], array[1:-1, :-2], array[1:-1, 2:]


def _own_axes(groups: Groups, y: np.ndarray, x: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates of pixels along and across the direction of their label, from the centre of its pixels."""
    y, x = (axis - groups.mean(axis)[groups.label] for axis in (y, x))
    angle = directions[groups.label]
    return y * np.cos(angle) + x * np.sin(angle), x * np.cos(angle) - y * np.sin(angle)


def _least_squares(groups: Groups, terms: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the coefficients of the terms by label, (count + 1) x terms, by the normal equations."""
    products = np.zeros((len(terms), len(terms), groups.count + 1))
    for i, j in zip(*np.triu_indices(len(terms)), strict=True):
        products[i, j] = products[j, i] = groups.mean(terms[i] * terms[j])
    right = np.array([groups.mean(one * values) for one in terms])
    ridge = RIDGE * np.eye(len(terms))
    return np.linalg.solve(np.moveaxis(products, -1, 0) + ridge, right.T[..., None])[..., 0]

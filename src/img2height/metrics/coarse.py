"""Approximate quantiles of sums of tiles: errors are counted in a few hundred bins that widen away from zero."""

from functools import cache

import numpy as np

from img2height.metrics.histogram import BIN_M, LIMIT_BIN, NORMAL_CONSISTENCY, fine_bins

NARROW_MM, NARROW_BINS, GROWTH, LAST_MM = 10, 25, 1.04, 250_000
BISECTIONS = 50


def _edges_mm() -> np.ndarray:
    """Return the edges above zero in millimetres: 1 cm apart up to 25 cm, then 4 % up to 250 m."""
    edges = [NARROW_MM // 2 + NARROW_MM * k for k in range(NARROW_BINS)]
    while edges[-1] < LAST_MM:
        edges.append(round(edges[-1] * GROWTH))
    return np.array(edges)


# Between two millimetres, so that each bin is a whole number of the millimetre bins of ErrorHistogram.
_POSITIVE_MM = _edges_mm() + 0.5
COARSE_EDGES_M = np.concatenate([-_POSITIVE_MM[::-1], _POSITIVE_MM]) * BIN_M
COARSE_BINS = len(COARSE_EDGES_M) + 1  # the first and the last are open
_OUTER_M = np.concatenate([[-LIMIT_BIN * BIN_M], COARSE_EDGES_M, [LIMIT_BIN * BIN_M]])


def coarse_bins(errors_m: np.ndarray) -> np.ndarray:
    """Return the coarse bin of each error, from 0 to `COARSE_BINS` - 1, int16.

    Args:
        errors_m: N float64 metres.
    """
    return coarse_of_fine()[fine_bins(errors_m)]


@cache
def coarse_of_fine() -> np.ndarray:
    """Return the coarse bin of each of the bins of `fine_bins`, int16."""
    return np.searchsorted(COARSE_EDGES_M, np.arange(-LIMIT_BIN, LIMIT_BIN + 1) * BIN_M).astype(np.int16)


class CoarseQuantiles:
    """Quantiles of many histograms at once, interpolated linearly between the edges of a bin; NaN if one is empty.

    Args:
        pixels: ... x `COARSE_BINS`, integers or floats.
    """

    def __init__(self, pixels: np.ndarray):
        self._shape = pixels.shape[:-1]
        counts = np.asarray(pixels, np.float64).reshape(-1, COARSE_BINS)
        self._below = _shares(counts)  # R x B + 1
        folded = counts[:, COARSE_BINS // 2 :].copy()
        folded[:, 1:] += counts[:, COARSE_BINS // 2 - 1 :: -1]
        self._folded = folded  # R x (B + 1) / 2, by absolute error

    def quantile_m(self, level: float) -> np.ndarray:
        """Return the error in metres below which a given share of the pixels lies."""
        return _invert(self._below, _OUTER_M, level).reshape(self._shape)

    def medae_m(self) -> np.ndarray:
        """Return the median of the absolute errors in metres."""
        edges = np.concatenate([[0.0], _OUTER_M[len(_OUTER_M) // 2 :]])
        return _invert(_shares(self._folded), edges, 0.5).reshape(self._shape)

    def nmad_m(self) -> np.ndarray:
        """Return 1.4826 times the distance from the median within which half of the pixels lie, in metres."""
        centre = _invert(self._below, _OUTER_M, 0.5)
        low, high = np.zeros_like(centre), np.full_like(centre, 2 * _OUTER_M[-1])
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            within = self._share_below(centre + middle) - self._share_below(centre - middle)
            low, high = np.where(within < 0.5, middle, low), np.where(within < 0.5, high, middle)
        return (NORMAL_CONSISTENCY * (low + high) / 2 + 0 * centre).reshape(self._shape)

    def _share_below(self, errors_m: np.ndarray) -> np.ndarray:
        """Return the share of each of the R histograms below one error each."""
        at = np.clip(np.searchsorted(_OUTER_M, errors_m, side="right") - 1, 0, len(_OUTER_M) - 2)
        rows = np.arange(len(errors_m))
        low, high = self._below[rows, at], self._below[rows, at + 1]
        return low + (high - low) * np.clip((errors_m - _OUTER_M[at]) / np.diff(_OUTER_M)[at], 0, 1)


def _shares(counts: np.ndarray) -> np.ndarray:
    """Return the share of R histograms, R x B, below each edge, R x B + 1; NaN if one is empty."""
    below = np.zeros((len(counts), counts.shape[1] + 1))
    np.cumsum(counts, axis=-1, out=below[:, 1:])
    with np.errstate(invalid="ignore"):
        below /= below[:, -1:].copy()
    return below


def _invert(below: np.ndarray, edges: np.ndarray, level: float) -> np.ndarray:
    """Return where R cumulative shares, R x E at the edges, reach a level; NaN where the shares are NaN."""
    at = np.clip((below < level).sum(axis=-1) - 1, 0, len(edges) - 2)
    rows = np.arange(len(below))
    low, high = below[rows, at], below[rows, at + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return edges[at] + np.diff(edges)[at] * np.clip((level - low) / (high - low), 0, 1)

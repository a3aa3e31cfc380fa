"""Sums that are exact, so that neither block size nor order changes a digit of a score."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np

FRACTION_BITS = 30
_HALF = 32
_ROOT = 31


def quantise(values: np.ndarray) -> np.ndarray:
    """Return values as whole multiples of 2**-30 (a nanometre for metres), int64.

    Args:
        values: float64, smaller than 2**32.
    """
    return np.rint(values * 2.0**FRACTION_BITS).astype(np.int64)


def exact_sum(whole: np.ndarray) -> int:
    """Return the sum of up to 2**30 int64 numbers; the halves are summed apart, so nothing overflows."""
    high, low = whole >> _HALF, whole & (2**_HALF - 1)
    return (int(high.sum()) << _HALF) + int(low.sum())


def exact_square_sum(whole: np.ndarray) -> int:
    """Return the sum of the squares of up to 2**30 int64 numbers that are smaller than 2**62."""
    magnitude = np.abs(whole)
    high, low = magnitude >> _ROOT, magnitude & (2**_ROOT - 1)
    squares = exact_sum(high * high) << (2 * _ROOT)
    return squares + (exact_sum(high * low) << (_ROOT + 1)) + exact_sum(low * low)


def mean(total: int, count: int, power: int = 1) -> float | None:
    """Return the mean of quantised values (power 1) or of their squares (power 2), or None of nothing."""
    return total / (count << power * FRACTION_BITS) if count else None


def share(part: int, whole: int) -> float | None:
    """Return a share from 0 to 1, or None of nothing."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Sums:
    """Base of the sufficient statistics: fields that add up. Without arguments it is the neutral element."""

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the statistics that `to_json` gave."""
        return cls(**value)

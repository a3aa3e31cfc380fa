"""Sums that are exact, so that neither block size nor order changes a digit of a score."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np

FRACTION_BITS = 30
DIGIT_BITS = 21
MOST_PIXELS = 2**20  # products of digits that so many pixels add up stay below 2**63


def quantise(values: np.ndarray) -> np.ndarray:
    """Return values as whole multiples of 2**-30 (a nanometre for metres), int64.

    Args:
        values: float64, smaller than 2**32.
    """
    scaled = values * 2.0**FRACTION_BITS
    return np.rint(scaled, out=scaled).astype(np.int64)


def group_sums(whole: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the sums of consecutive groups as digits, D x G int64: see `combine`.

    Args:
        whole: up to `MOST_PIXELS` int64 numbers, smaller than 2**62.
        starts: G int64, where each group begins; none is empty.
    """
    return np.stack([np.add.reduceat(digit, starts) for digit in _digits(whole)])


def group_square_sums(whole: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the sums of the squares of consecutive groups as digits, D x G int64: see `combine`.

    Args:
        whole: up to `MOST_PIXELS` int64 numbers, smaller than 2**62.
        starts: G int64, where each group begins; none is empty.
    """
    digits = list(_digits(np.abs(whole)))
    sums = np.zeros((2 * len(digits) - 1, len(starts)), np.int64)
    for i, first in enumerate(digits):
        for j, second in enumerate(digits[i:], start=i):
            sums[i + j] += np.add.reduceat(first * second, starts) << int(i != j)
    return sums


def combine(digits: np.ndarray) -> np.ndarray:
    """Return whole numbers as Python integers, from D x ... digits that count multiples of 2**(21 d)."""
    total = np.zeros(digits.shape[1:], object)
    for power, digit in enumerate(digits):
        total = total + digit.astype(object) * (1 << DIGIT_BITS * power)
    return total


def _digits(whole: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the digits of N numbers to the base 2**21, the lowest first; the last one carries the sign."""
    rest, largest = whole, int(np.abs(whole).max(initial=0))
    while largest >> DIGIT_BITS:
        yield rest & (2**DIGIT_BITS - 1)
        rest, largest = rest >> DIGIT_BITS, largest >> DIGIT_BITS
    yield rest


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

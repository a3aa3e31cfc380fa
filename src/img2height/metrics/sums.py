"""Exact sums, so that neither block size nor order changes any digit of a score."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np

FRACTION_BITS = 30
DIGIT_BITS, DIGITS = 21, 5


def quantise(values: np.ndarray) -> np.ndarray:
    """Return values as whole multiples of 2**-30 (a nanometre for metres), int64.

    Args:
        values: float64, smaller than 2**32.
    """
    return np.rint(values * 2.0**FRACTION_BITS).astype(np.int64)


def combine(digits: np.ndarray) -> np.ndarray:
    """Return integers as Python integers, from ... x D digits that count multiples of 2**(21 d)."""
    total = np.zeros(digits.shape[:-1], object)
    for power, digit in enumerate(np.moveaxis(digits, -1, 0)):
        total = total + digit.astype(object) * (1 << DIGIT_BITS * power)
    return total


def as_float(digits: np.ndarray, fraction_bits: int) -> np.ndarray:
    """Return integers divided by 2**fraction_bits as float64, from ... x D digits: see `combine`."""
    negative = _carried(digits)[..., -1:] < 0
    carried = _carried(np.where(negative, -digits, digits))
    powers = DIGIT_BITS * np.arange(digits.shape[-1]) - fraction_bits
    return np.where(negative[..., 0], -1.0, 1.0) * np.ldexp(carried.astype(np.float64), powers).sum(axis=-1)


def _carried(digits: np.ndarray) -> np.ndarray:
    """Return the same numbers with all digits but the last from 0 to 2**21 - 1; the last carries the sign."""
    carried = digits.copy()
    for k in range(digits.shape[-1] - 1):
        carried[..., k + 1] += carried[..., k] >> DIGIT_BITS
        carried[..., k] &= (1 << DIGIT_BITS) - 1
    return carried


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
        """Return the statistics from the result of `to_json`."""
        return cls(**value)

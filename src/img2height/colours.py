"""The colours of pictures, the same in the report and on the map: bands of images, scales of heights and errors."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

# Bands shown in red, green and blue, if a layer has them. A ratio is a difference of decibels.
OPTICAL = {"red, green, blue": ("red", "green", "blue"), "near infrared, red, green": ("nir", "red", "green")}
RADAR = {
    "HH, HV, VV": ("hh", "hv", "vv"),
    "VV, VH, VV/VH": ("vv", "vh", "vv/vh"),
    "HH, HV, HH/HV": ("hh", "hv", "hh/hv"),
}
STRETCH = (2, 98)  # percentiles of a band of more than eight bits that become black and white
HEIGHT_COLOURS, ERROR_COLOURS, WIDTH_COLOURS = "viridis", "RdBu_r", "magma"  # names of matplotlib


def fit(channels: Sequence[str], bands: Sequence[str]) -> bool:
    """Return whether an image with these bands can be shown in these channels."""
    return {part for name in channels for part in name.split("/")} <= set(bands)


def channel(bands: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Return a band by name, or the difference of two in decibels, for example "vv/vh"."""
    first, _, second = name.partition("/")
    return bands[first] - bands[second] if second else bands[first]


def stretch_limits(band: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    """Return the values of a band that become black and white, from 0 to 1 if no pixel is valid.

    Args:
        band: HxW.
        valid: HxW bool.
    """
    if not valid.any():
        return 0.0, 1.0
    low, high = np.percentile(band[valid], STRETCH).tolist()
    return low, high


def stretched(band: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Return a band as whole numbers from 0 to 255, HxW float; missing pixels (NaN) have any of them."""
    low, high = limits
    return np.rint(np.clip((np.nan_to_num(band) - low) / max(high - low, 1e-9), 0, 1) * 255)


@dataclass(frozen=True)
class Scales:
    """The colour scales of a scene, the same for all methods.

    Attributes:
        low_m: lower end of the height scale: 0, or the lowest terrain.
        height_m: upper end of the height scale.
        error_m: upper end of the error scale, which is symmetric.
    """

    low_m: float
    height_m: float
    error_m: float

    @classmethod
    def of(cls, heights: np.ndarray, *, from_ground: bool) -> Self:
        """Return scales derived from reference heights only, so that they are the same for all methods.

        The height scale ends at the 99.5th percentile, the error scale at a quarter of the range of heights.

        Args:
            heights: N valid heights in metres.
            from_ground: whether 0 m is the ground, where the scale then begins.
        """
        low, top = np.percentile(heights, [0.5, 99.5]).tolist() if heights.size else (0.0, 0.0)
        low = 0 if from_ground else math.floor(low)
        return cls(low, max(low + 3, math.ceil(top)), max(1, math.ceil((top - low) / 4)))

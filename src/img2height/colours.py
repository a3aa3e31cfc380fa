"""The colours of pictures, the same in the report and on the map: bands of images, scales of heights and errors."""

import math
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
HEIGHT_COLOURS, ERROR_COLOURS = "viridis", "RdBu_r"  # names of matplotlib


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

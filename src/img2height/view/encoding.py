"""Tiles as text: a page that was opened from disk may not read files, but may load scripts.

A height is a 16-bit code, 0 where it is missing. The differences of neighbours are stored, first all low bytes and then
all high bytes, because they compress better.
"""

import base64
import math
import warnings
import zlib
from typing import Any

import numpy as np
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

MOST = 2**16 - 2  # codes of heights are 1 to 65535
LEVEL = 6
WEBP = {"driver": "WEBP", "QUALITY": 82}


def encoded_heights(heights: np.ndarray) -> dict[str, Any] | None:
    """Return a tile of heights, None if it has no valid pixel.

    The step is a centimetre, or more only if the heights of the tile span more than 655 m: 2, 5, 10, ... cm. A decoded
    height is (first + code - 1) * step / 100 metres and differs from the given one by at most half a step.

    Args:
        heights: HxW metres, NaN where missing.
    """
    valid = np.isfinite(heights)
    if not valid.any():
        return None
    centimetres = np.where(valid, heights, np.nan).astype(np.float64) * 100
    low, high = float(np.nanmin(centimetres)), float(np.nanmax(centimetres))
    step = step_cm(high - low)
    first = round(low / step)
    codes = np.where(valid, np.rint(centimetres / step) - first + 1, 0).astype(np.uint16)
    return {"data": _packed(codes), "first": first, "step": step}


def step_cm(span_cm: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, ... that divides a span into no more steps than there are codes."""
    power = 10 ** max(0, math.floor(math.log10(max(span_cm, 1) / MOST)))
    return next(step * power for step in (1, 2, 5, 10) if span_cm <= (MOST - 1) * step * power)


def _packed(codes: np.ndarray) -> str:
    flat = codes.ravel()
    steps = np.diff(flat, prepend=np.uint16(0))
    planes = np.concatenate([steps & 0xFF, steps >> 8]).astype(np.uint8)
    return base64.b64encode(zlib.compress(planes.tobytes(), LEVEL)).decode()


def encoded_picture(pixels: np.ndarray) -> dict[str, Any] | None:
    """Return a tile of a picture, None if it has no valid pixel.

    Args:
        pixels: HxWx4 uint8: red, green, blue and opacity.
    """
    if not pixels[..., 3].any():
        return None
    height, width, count = pixels.shape
    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning), MemoryFile() as file:
        with file.open(height=height, width=width, count=count, dtype="uint8", **WEBP) as picture:
            picture.write(np.moveaxis(pixels, -1, 0))
        return {"data": base64.b64encode(file.read()).decode()}

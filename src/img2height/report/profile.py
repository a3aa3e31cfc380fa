"""Predicted against true height over whole scenes, block by block: a joint histogram, and errors by height class."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.metrics import ErrorStatistics
from img2height.rasters import open_raster
from img2height.report.view import read_quantity
from img2height.scenes.heights import TERRAIN, read_compared
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_mask, area_window

BLOCK_PX = 1024
BIN_M = 0.5
RANGE_M = (-10.0, 250.0)
BINS = int((RANGE_M[1] - RANGE_M[0]) / BIN_M)
CLASSES = {
    "up to 3 m": (-np.inf, 3),
    "3 to 10 m": (3, 10),
    "10 to 20 m": (10, 20),
    "20 to 50 m": (20, 50),
    "above 50 m": (50, np.inf),
}


@dataclass(frozen=True)
class HeightProfile:
    """How predicted heights go with true ones; adds up over scenes.

    Attributes:
        joint: BINSxBINS int64, pixels by true (rows) and predicted (columns) height; heights beyond `RANGE_M` are
            counted in the outer bins.
        classes: error statistics by class of true height.
    """

    joint: np.ndarray
    classes: dict[str, ErrorStatistics]

    @classmethod
    def empty(cls) -> Self:
        """Return the neutral element of the sum."""
        return cls(np.zeros((BINS, BINS), np.int64), {name: ErrorStatistics() for name in CLASSES})

    def __add__(self, other: Self) -> Self:
        classes = {name: statistics + other.classes[name] for name, statistics in self.classes.items()}
        return type(self)(self.joint + other.joint, classes)

    def table(self) -> pandas.DataFrame:
        """Return class, pixels, bias_m, mae_m and rmse_m of each height class that occurs."""
        scores = [{"height": name} | statistics.scores() for name, statistics in self.classes.items()]
        frame = pandas.DataFrame(scores)[["height", "pixels", "bias_m", "mae_m", "rmse_m"]]
        return frame[frame.pixels > 0].reset_index(drop=True)


def height_profile(scene: Scene, area: BaseGeometry, height: Path) -> HeightProfile:
    """Return the profile of one prediction inside a test area; empty for a terrain model, which has no buildings.

    Args:
        scene: with the layer ndsm, and dtm where surface heights were predicted.
        area: test area in pixel coordinates of the scene.
        height: predicted heights in metres on the scene's grid.
    """
    profile = HeightProfile.empty()
    if read_quantity(height) == TERRAIN:
        return profile
    with ExitStack() as stack:
        layers = {name: scene.path(name) for name in ("ndsm", "dtm") if name in scene.layers} | {"predicted": height}
        rasters = {name: stack.enter_context(open_raster(path)) for name, path in layers.items()}
        for window in _blocks(area_window(area)):
            predicted, reference = read_compared(rasters["predicted"], rasters, window)
            valid = area_mask(area, window) & np.isfinite(reference) & np.isfinite(predicted)
            profile += _profile(predicted[valid], reference[valid])
    return profile


def _profile(predicted: np.ndarray, reference: np.ndarray) -> HeightProfile:
    rows, columns = (np.clip((v - RANGE_M[0]) / BIN_M, 0, BINS - 1).astype(np.int64) for v in (reference, predicted))
    joint = np.bincount(rows * BINS + columns, minlength=BINS * BINS).reshape(BINS, BINS)
    classes = {}
    for name, (low, high) in CLASSES.items():
        inside = (reference > low) & (reference <= high)
        classes[name] = ErrorStatistics.from_arrays(predicted[inside], reference[inside])
    return HeightProfile(joint, classes)


def _blocks(window: Window) -> Iterator[Window]:
    right, bottom = int(window.col_off + window.width), int(window.row_off + window.height)
    for row in range(int(window.row_off), bottom, BLOCK_PX):
        for column in range(int(window.col_off), right, BLOCK_PX):
            yield Window(column, row, min(BLOCK_PX, right - column), min(BLOCK_PX, bottom - row))

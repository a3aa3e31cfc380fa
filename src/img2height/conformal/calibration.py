"""The calibration of a model: margins of its heights by class, calibration.json."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from img2height.conformal.margins import LEAST_BLOCKS, Errors, margins
from img2height.io.records import OfWeights, Record, read_of_weights
from img2height.io.tables import write_sealed
from img2height.vocabulary.classes import HEIGHTS_M

CALIBRATION = "calibration.json"
LEVEL = 0.9  # of the intervals that are written
LEVELS = (0.5, 0.6, 0.7, 0.8, LEVEL)  # for the plot of reliability; 0.95 would need twice as many blocks


class Margin(Record):
    """By how much truth lies below and above a prediction in a share of cases, in metres."""

    level: float
    below_m: float
    above_m: float


class HeightClass(Record):
    """The margins of a class of predicted heights.

    Attributes:
        low_m: predicted heights above it; None has no limit.
        high_m: up to this height; None has no limit.
        count: of the pixels or buildings that the margins were found from.
        blocks: that they lie in.
        margins: by level; empty if there were too few blocks, or blocks that differ too much.
    """

    low_m: float | None
    high_m: float | None
    count: int
    blocks: int
    margins: list[Margin]

    def margin(self, level: float) -> tuple[float, float]:
        """Return by how much truth lies below and above in metres, NaN if there is no margin."""
        found = [(each.below_m, each.above_m) for each in self.margins if each.level == level]
        return found[0] if found else (math.nan, math.nan)


class Calibration(OfWeights):
    """The margins of a model; they hold where the ground is like that of its validation area.

    Attributes:
        scenes: dataset/scene of its validation areas.
        block_m: side of the blocks in metres.
        classes: of pixels, by predicted height above ground, ascending.
        everywhere: of pixels without a height above ground: surfaces without a terrain model, and terrain.
        buildings: of buildings, by predicted height.
    """

    scenes: list[str]
    block_m: float
    classes: list[HeightClass]
    everywhere: HeightClass
    buildings: list[HeightClass]

    def pixel_margins(self, above_ground_m: np.ndarray | None, shape: tuple[int, ...], level: float) -> np.ndarray:
        """Return the margins of pixels, 2 x shape float32 metres: below and above; NaN where there are none.

        Args:
            above_ground_m: predicted heights above ground; None if they are missing everywhere.
            shape: of the heights.
            level: one of `LEVELS`.
        """
        if above_ground_m is None:
            return _looked_up([self.everywhere], np.zeros(shape, np.float32), level)
        return _looked_up(self.classes, above_ground_m, level)

    def building_margins(self, height_m: np.ndarray, level: float) -> np.ndarray:
        """Return the margins of buildings, 2 x N float32 metres: below and above; NaN where there are none."""
        return _looked_up(self.buildings, height_m, level)


def calibrate(
    pixels: Errors, buildings: Errors, weights_sha256: str, scenes: Sequence[str], block_m: float
) -> Calibration:
    """Return the calibration of a model.

    Args:
        pixels: errors of pixels in the validation area.
        buildings: errors of buildings there.
        weights_sha256: digest of the weights.
        scenes: dataset/scene of the validation areas.
        block_m: side of the blocks in metres.
    """
    return Calibration(
        weights_sha256=weights_sha256,
        scenes=list(scenes),
        block_m=block_m,
        classes=list(_by_height(pixels)),
        everywhere=_height_class(pixels, None, None),
        buildings=list(_by_height(buildings)),
    )


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write calibration.json with a seal over its content."""
    write_sealed(calibration.model_dump(mode="json"), path)


def read_calibration(path: Path, weights_sha256: str | None = None) -> Calibration:
    """Return the calibration in a file.

    Args:
        path: calibration.json.
        weights_sha256: digest of the weights that it has to be of; None accepts any.

    Raises:
        DataError: the file is missing, altered, of another version, or of other weights.
    """
    return read_of_weights(Calibration, path, weights_sha256, "calibrate the model again")


def _by_height(errors: Errors) -> Iterator[HeightClass]:
    """Yield the classes of predicted heights, ascending, each with its neighbours merged until it has enough blocks.

    Heights above the highest of the errors belong to no class, because nothing is recorded about them.
    """
    there = errors.where(np.isfinite(errors.height_m))
    if not there.height_m.size:
        return
    limits = [low for low, _ in HEIGHTS_M.values()][1:]
    highest = float(there.height_m.max())
    edges: list[float] = [highest]
    for limit in [edge for edge in reversed(limits) if edge < highest]:
        inside = (there.height_m > limit) & (there.height_m <= edges[0])
        if _blocks(there.where(inside)) >= LEAST_BLOCKS:
            edges.insert(0, limit)
    if len(edges) > 1 and _blocks(there.where(there.height_m <= edges[0])) < LEAST_BLOCKS:
        edges.pop(0)  # the lowest has no lower neighbour
    for low, high in zip([None, *edges[:-1]], edges, strict=True):
        inside = (there.height_m > _or(low, -math.inf)) & (there.height_m <= high)
        yield _height_class(there.where(inside), low, high)


def _height_class(errors: Errors, low_m: float | None, high_m: float | None) -> HeightClass:
    found = {level: margins(errors, level) for level in LEVELS}
    listed = [Margin(level=level, below_m=ends[0], above_m=ends[1]) for level, ends in found.items() if ends]
    return HeightClass(low_m=low_m, high_m=high_m, count=len(errors.error_m), blocks=_blocks(errors), margins=listed)


def _looked_up(classes: Sequence[HeightClass], height_m: np.ndarray, level: float) -> np.ndarray:
    """Return the margins of heights; heights above the last class, and missing ones, have none."""
    limits = [_or(each.high_m, math.inf) for each in classes]
    table = np.array([*(each.margin(level) for each in classes), (math.nan, math.nan)], np.float32)
    return np.moveaxis(table[np.searchsorted(limits, height_m)], -1, 0)


def _blocks(errors: Errors) -> int:
    return len(np.unique(errors.block))


def _or(value: float | None, other: float) -> float:
    return other if value is None else value

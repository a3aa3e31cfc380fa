"""The table of tiles that are unlike the training: their share of each scene, by method."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas

from img2height.familiarity.familiarity import BOUND
from img2height.io.rasters import open_raster, read_heights
from img2height.scoring.method import Predicted


class UnfamiliarRow(NamedTuple):
    """The scores of the tiles of a scene, see `Unfamiliarity`.

    Attributes:
        method: its name.
        scene: dataset/scene.
        tiles: number of the scored tiles.
        share: of them above the bound.
        median: of the scores.
        largest: likewise.
    """

    method: str
    scene: str
    tiles: int
    share: float
    median: float
    largest: float


def unfamiliar_table(predictions: Mapping[str, Sequence[Predicted]]) -> pandas.DataFrame:
    """Return a row for each method and scene of which tiles are scored, see `UnfamiliarRow` for the columns.

    Args:
        predictions: of the scenes, by method.
    """
    rows = [_row(method, one) for method, predicted in predictions.items() for one in predicted]
    return pandas.DataFrame([row for row in rows if row], columns=list(UnfamiliarRow._fields))


def _row(method: str, predicted: Predicted) -> UnfamiliarRow | None:
    if not predicted.unfamiliar:
        return None
    with open_raster(predicted.unfamiliar) as raster:
        scores = read_heights(raster)
    if not (scores := scores[np.isfinite(scores)]).size:
        return None
    share, middle, largest = (scores > BOUND).mean(), np.median(scores), scores.max()
    return UnfamiliarRow(method, predicted.name, scores.size, float(share), float(middle), float(largest))

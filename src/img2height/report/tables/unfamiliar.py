"""The table of tiles that are unlike the training: their share of each scene, by method."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from img2height.familiarity.familiarity import BOUND
from img2height.io.rasters import open_raster, read_heights


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


def unfamiliar_table(rasters: Mapping[tuple[str, str], Path]) -> list[UnfamiliarRow]:
    """Return a row for each method and scene of which tiles are scored.

    Args:
        rasters: unfamiliar.tif by method and dataset/scene.
    """
    rows = []
    for (method, scene), path in rasters.items():
        with open_raster(path) as raster:
            scores = read_heights(raster)
        if (scores := scores[np.isfinite(scores)]).size:
            share, middle, largest = (scores > BOUND).mean(), np.median(scores), scores.max()
            rows.append(UnfamiliarRow(method, scene, scores.size, float(share), float(middle), float(largest)))
    return rows

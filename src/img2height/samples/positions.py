"""Random positions in the training area, drawn as in ResDepth."""

import math
from dataclasses import dataclass

import geopandas
import numpy as np
import pandas
from shapely.geometry.base import BaseGeometry

from img2height.errors import TrainingError
from img2height.io.areas import area_window
from img2height.io.tables import by_columns
from img2height.tiles.areas import covered
from img2height.vocabulary.tiles import SCENE


def draw_positions(
    areas: geopandas.GeoDataFrame, size_px: int, count: int, rng: np.random.Generator
) -> pandas.DataFrame:
    """Return positions drawn uniformly without replacement: dataset, scene, col_off, row_off, size_px.

    Every corner whose tile lies completely inside the training area of a scene is a candidate.

    Args:
        areas: the training areas: dataset, scene, geometry in pixels.
        size_px: side of a tile.
        count: number of positions.
        rng: the random generator.

    Raises:
        TrainingError: the area has fewer positions.
    """
    regions = [
        _TrainingArea(dataset, scene, group.geometry.union_all(), size_px)
        for (dataset, scene), group in by_columns(areas, SCENE)
    ]
    total = sum(region.corners for region in regions)
    drawn = min(2 * count, total)
    while True:
        corners = np.sort(rng.choice(total, drawn, replace=False))
        places = _inside(regions, corners)
        if len(places) >= count:
            chosen = rng.choice(len(places), count, replace=False)
            return places.iloc[np.sort(chosen)].reset_index(drop=True)
        if drawn == total:
            raise TrainingError(
                f"the training area has only {len(places)} positions for a tile of {size_px} px; "
                f"sampling.positions requests {count}: use fewer positions, smaller tiles or a larger area"
            )
        drawn = min(2 * drawn, total)


@dataclass(frozen=True)
class _TrainingArea:
    """The training area of one scene in its smallest window."""

    dataset: str
    scene: str
    area: BaseGeometry
    size_px: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the corners in that window."""
        box = area_window(self.area)
        return max(box.height - self.size_px + 1, 0), max(box.width - self.size_px + 1, 0)

    @property
    def corners(self) -> int:
        """Number of corners in that window."""
        return math.prod(self.shape)

    def places(self, corners: np.ndarray) -> pandas.DataFrame:
        """Return the corners, given by their number in the window, whose tiles are inside the area."""
        box = area_window(self.area)
        rows, columns = np.divmod(corners, max(self.shape[1], 1))
        places = pandas.DataFrame(
            {"dataset": self.dataset, "scene": self.scene, "col_off": columns + box.col_off,
             "row_off": rows + box.row_off, "size_px": self.size_px}
        )  # fmt: skip
        return places[covered(self.area, places)]


def _inside(regions: list[_TrainingArea], corners: np.ndarray) -> pandas.DataFrame:
    """Return the positions of corners that are numbered through all areas."""
    ends = np.cumsum([region.corners for region in regions])
    parts = np.split(corners, np.searchsorted(corners, ends[:-1]))
    found = [
        region.places(part - (end - region.corners)) for region, part, end in zip(regions, parts, ends, strict=True)
    ]
    return pandas.concat(found, ignore_index=True)

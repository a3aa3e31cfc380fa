"""The area of a part of a fold: polygons in the pixel coordinates of a scene, x = column, y = row."""

from collections.abc import Sequence

import geopandas
import numpy as np
import pandas
import shapely
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.io.areas import burn, outlines
from img2height.io.grid import Grid
from img2height.vocabulary.tiles import CORNER

SQUARE_PX = 8  # oblique borders become steps of this size: small compared with half a tile, and few corners


def area_of(
    areas: geopandas.GeoDataFrame, part: str, dataset: str, scene: str, fold: int | None = None
) -> BaseGeometry:
    """Return the area of one part of a scene in pixel coordinates, in one fold or all folds; empty if there is none.

    Args:
        areas: the table made by `split_folds`.
        part: train, val or test.
        dataset: name of the dataset.
        scene: name of the scene.
        fold: one fold; None is the union over the folds.
    """
    chosen = (areas["part"] == part) & (areas["dataset"] == dataset) & (areas["scene"] == scene)
    if fold is not None:
        chosen &= areas["fold"] == fold
    return areas[chosen].geometry.union_all()


def covered(area: BaseGeometry, tiles: pandas.DataFrame) -> np.ndarray:
    """Return which tiles lie completely inside an area in pixel coordinates, bool, one per row."""
    shapely.prepare(area)
    return shapely.covers(area, tile_boxes(tiles))


def tile_boxes(tiles: pandas.DataFrame) -> np.ndarray:
    """Return the outline of each tile in pixel coordinates of its scene."""
    col, row, size = (tiles[name].to_numpy(np.float64) for name in (*CORNER, "size_px"))
    return shapely.box(col, row, col + size, row + size)


def in_squares(pieces: Sequence[tuple[str, BaseGeometry]], grid: Grid) -> dict[str, BaseGeometry]:
    """Return the area of each part in squares of `SQUARE_PX`; the first piece that contains its centre owns a square.

    Args:
        pieces: part and area in pixel coordinates of the grid, with any borders.
        grid: the scene's grid; the last squares of its rows and columns are clipped.
    """
    found: dict[str, list[BaseGeometry]] = {part: [] for part, _ in pieces}
    numbered = list(enumerate((area for _, area in pieces), start=1))
    here = [(area, number) for number, area in reversed(numbered) if area.intersects(grid.extent)]
    whole = Window(0, 0, grid.width, grid.height)
    for outline, number in outlines(burn(here, whole, "int32", SQUARE_PX), whole, SQUARE_PX):
        found[pieces[number - 1][0]].append(outline)
    return {part: shapely.union_all(areas).intersection(grid.extent) for part, areas in found.items()}

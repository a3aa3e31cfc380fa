"""The area of a part of a fold: polygons in the pixel coordinates of a scene, x = column, y = row."""

from collections.abc import Sequence

import geopandas
import numpy as np
import pandas
import shapely
from affine import Affine
from rasterio.features import geometry_mask, rasterize, shapes
from rasterio.windows import Window

from img2height.io.grid import Grid, footprint
from img2height.vocabulary.tiles import CORNER

SQUARE_PX = 8  # oblique borders become stairs of this step: fine compared with half a tile, and few corners


def area_mask(area: shapely.Geometry, window: Window) -> np.ndarray:
    """Return which pixel centres of a window lie in an area, HxW bool.

    Args:
        area: polygon in pixel coordinates; may be empty.
        window: part of the scene's grid.
    """
    shape = int(window.height), int(window.width)
    if area.is_empty:
        return np.zeros(shape, bool)
    return geometry_mask([area], shape, transform=Affine.translation(window.col_off, window.row_off), invert=True)


def area_of(
    areas: geopandas.GeoDataFrame, part: str, dataset: str, scene: str, fold: int | None = None
) -> shapely.Geometry:
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
    return shapely.union_all(areas.geometry[chosen].to_numpy())


def covered(area: shapely.Geometry, tiles: pandas.DataFrame) -> np.ndarray:
    """Return which tiles lie completely inside an area in pixel coordinates, bool, one per row."""
    shapely.prepare(area)
    return shapely.covers(area, tile_boxes(tiles))


def tile_boxes(tiles: pandas.DataFrame) -> np.ndarray:
    """Return the outline of each tile in pixel coordinates of its scene."""
    col, row, size = (tiles[name].to_numpy(np.float64) for name in (*CORNER, "size_px"))
    return shapely.box(col, row, col + size, row + size)


def area_window(area: shapely.Geometry) -> Window:
    """Return the smallest window of whole pixels that contains an area; of size 0 if the area is empty."""
    if area.is_empty:
        return Window(0, 0, 0, 0)
    west, north, east, south = area.bounds
    col, row = int(np.floor(west)), int(np.floor(north))
    return Window(col, row, int(np.ceil(east)) - col, int(np.ceil(south)) - row)


def in_squares(pieces: Sequence[tuple[str, shapely.Geometry]], grid: Grid) -> dict[str, shapely.Geometry]:
    """Return the area of each part in squares of `SQUARE_PX`; the first piece that contains its centre owns a square.

    Args:
        pieces: part and area in pixel coordinates of the grid, with any borders.
        grid: the scene's grid; the last squares of its rows and columns are clipped.
    """
    found: dict[str, list] = {part: [] for part, _ in pieces}
    numbered = list(enumerate((area for _, area in pieces), start=1))
    burnt = [(area, number) for number, area in reversed(numbered) if area.intersects(footprint(grid))]
    if burnt:
        shape, squares = (-(-grid.height // SQUARE_PX), -(-grid.width // SQUARE_PX)), Affine.scale(SQUARE_PX)
        labels = rasterize(burnt, shape, transform=squares, dtype="int32")
        for outline, number in shapes(labels, mask=labels > 0, transform=squares):
            found[pieces[int(number) - 1][0]].append(shapely.geometry.shape(outline))
    return {part: shapely.union_all(areas).intersection(footprint(grid)) for part, areas in found.items()}

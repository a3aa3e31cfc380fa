"""The ground of a part of a fold: polygons in the pixel coordinates of a scene, x = column, y = row."""

import geopandas
import numpy as np
import pandas
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.features import geometry_mask
from rasterio.windows import Window

from img2height.rasters import Grid

SEGMENT_PX = 100.0  # straight edges bend between projections; each segment of this length is moved on its own


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
    """Return the ground of one part of a scene in pixel coordinates, over one fold or all; empty where there is none.

    Args:
        areas: the table that `split_folds` makes.
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
    """Return which tiles lie wholly in an area given in pixel coordinates, bool, one a row."""
    col, row, size = (tiles[name].to_numpy(np.float64) for name in ("col_off", "row_off", "size_px"))
    shapely.prepare(area)
    return shapely.covers(area, shapely.box(col, row, col + size, row + size))


def area_window(area: shapely.Geometry) -> Window:
    """Return the smallest window of whole pixels that holds an area; of no size where the area is empty."""
    if area.is_empty:
        return Window(0, 0, 0, 0)
    west, north, east, south = area.bounds
    col, row = int(np.floor(west)), int(np.floor(north))
    return Window(col, row, int(np.ceil(east)) - col, int(np.ceil(south)) - row)


def footprint(grid: Grid) -> shapely.Polygon:
    """Return the whole ground of a grid in its pixel coordinates."""
    return shapely.box(0, 0, grid.width, grid.height)


def to_map(area: shapely.Geometry, grid: Grid) -> shapely.Geometry:
    """Return an area in the map coordinates of its grid."""
    t = grid.transform
    return shapely.affinity.affine_transform(area, [t.a, t.b, t.d, t.e, t.c, t.f])


def from_map(area: shapely.Geometry, grid: Grid) -> shapely.Geometry:
    """Return an area given in map coordinates in the pixel coordinates of a grid."""
    t = ~grid.transform
    return shapely.affinity.affine_transform(area, [t.a, t.b, t.d, t.e, t.c, t.f])


def reproject(area: shapely.Geometry, source: Grid, crs: CRS) -> shapely.Geometry:
    """Return an area given in pixel coordinates in the map coordinates of a CRS."""
    if source.crs == crs or area.is_empty:
        return to_map(area, source)
    bent = to_map(shapely.segmentize(area, SEGMENT_PX), source)
    return geopandas.GeoSeries([bent], crs=source.crs).to_crs(crs).iloc[0]

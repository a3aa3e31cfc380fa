"""Building polygons with heights from a footprint mask."""

import geopandas
import numpy as np
import pandas
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window
from scipy.ndimage import label

from img2height.buildings.regions import Reader, find_regions
from img2height.errors import DataError
from img2height.heights import is_valid
from img2height.io.areas import outlines
from img2height.io.grid import Grid
from img2height.io.projections import require_metres

COLUMNS = {
    "building_id": "int64",
    "height_m": "float64",
    "height_max_m": "float64",
    "ground_m": "float64",
    "area_m2": "float64",
}
MAX_QUANTILE = 0.95


def extract(
    height: np.ndarray,
    footprint: np.ndarray,
    transform: Affine,
    crs: CRS,
    *,
    simplify_m: float = 1.0,
    ground: np.ndarray | None = None,
) -> geopandas.GeoDataFrame:
    """Return one row per building: building_id, height_m, height_max_m, ground_m, area_m2 and a valid polygon.

    A building is a region of mask pixels that share edges; rows are in the order of their first pixels, row by row.
    `height_m` is the median of the heights inside, `height_max_m` their 95th percentile, `ground_m` the median of the
    terrain; NaN without valid pixels. `area_m2` is the area of the polygon.

    Args:
        height: HxW heights above ground in metres, NaN or -9999 where missing.
        footprint: HxW, 1 or true is building.
        transform: pixel corner to map coordinates.
        crs: projected, axes in metres.
        simplify_m: Douglas-Peucker tolerance in metres, topology preserved; 0 keeps the outline of the pixels.
        ground: HxW terrain heights in metres, NaN or -9999 where missing; None if there are none.

    Raises:
        DataError: the shapes differ, or the coordinates are not in metres.
    """
    for what, array in (("footprint", footprint), ("ground", ground)):
        if array is not None and array.shape != height.shape:
            raise DataError(
                f"the {what} has the shape {array.shape}, the heights {height.shape}; bring both to one grid"
            )
    grid, terrain = Grid(crs, transform, height.shape[1], height.shape[0]), None if ground is None else _reader(ground)
    return extract_by_block(_reader(height), _reader(footprint), grid, simplify_m=simplify_m, ground=terrain)


def extract_by_block(
    height: Reader, footprint: Reader, grid: Grid, *, simplify_m: float, ground: Reader | None = None
) -> geopandas.GeoDataFrame:
    """Return the buildings of a raster of any size, as `extract`; memory holds a few blocks, or the largest building.

    Args:
        height: reads the heights above ground of a window, HxW metres, NaN or -9999 where missing.
        footprint: reads the mask of a window, HxW, 1 or true is building.
        grid: of the whole raster.
        simplify_m: see `extract`.
        ground: reads the terrain heights of a window, HxW metres; None if there are none.

    Raises:
        DataError: the coordinates are not in metres.
    """
    require_metres(grid.crs)

    def building(window: Window) -> np.ndarray:
        return np.asarray(footprint(window)) == 1

    parts = []
    for window, first in find_regions(building, grid.shape).windows():
        labels = _chosen(building(window), first, window, grid.width)
        values = _height_statistics(labels, height(window), None if ground is None else ground(window))
        parts.append(values.reindex(range(1, len(first) + 1)).assign(first=first, outline=_outlines(labels, window)))
    return _table(
        pandas.concat(parts) if parts else pandas.DataFrame(columns=[*COLUMNS, "first", "outline"]), grid, simplify_m
    )


def _height_statistics(labels: np.ndarray, height: np.ndarray, ground: np.ndarray | None) -> pandas.DataFrame:
    """Return height_m, height_max_m and ground_m by label; missing pixels are left out."""
    inside = labels > 0
    pixels = pandas.DataFrame(
        {
            "label": labels[inside],
            "height": _nan_if_missing(height[inside]),
            "ground": np.nan if ground is None else _nan_if_missing(ground[inside]),
        }
    ).groupby("label")
    return pandas.DataFrame(
        {
            "height_m": pixels["height"].median(),
            "height_max_m": pixels["height"].quantile(MAX_QUANTILE),
            "ground_m": pixels["ground"].median(),
        }
    )


def _nan_if_missing(heights: np.ndarray) -> np.ndarray:
    return np.where(is_valid(heights), heights, np.nan).astype(np.float64)


def _reader(array: np.ndarray) -> Reader:
    return lambda window: np.asarray(array)[window.toslices()]


def _chosen(mask: np.ndarray, first: np.ndarray, window: Window, width: int) -> np.ndarray:
    """Return the regions of a window that start at these pixels as 1, 2, ..., and all others as 0, HxW int32."""
    labels, found = label(mask)
    rows, columns = np.divmod(first, width)
    numbers = np.zeros(found + 1, np.int32)
    numbers[labels[rows - window.row_off, columns - window.col_off]] = np.arange(1, len(first) + 1)
    return numbers[labels]


def _outlines(labels: np.ndarray, window: Window) -> np.ndarray:
    """Return the outline of each label in pixels of the whole raster, which are exact for any window."""
    found = {number: outline for outline, number in outlines(labels, window)}
    return np.array([found[number] for number in sorted(found)], dtype=object)


def _table(parts: pandas.DataFrame, grid: Grid, simplify_m: float) -> geopandas.GeoDataFrame:
    """Return the buildings in the order of their first pixels, with simplified outlines in map coordinates."""
    parts = parts.sort_values("first", ignore_index=True)
    exact = grid.to_map(parts["outline"].to_numpy())
    simple = shapely.simplify(exact, simplify_m, preserve_topology=True)
    # GEOS keeps each ring valid but may move a shell across its hole; such a building keeps the outline of its pixels.
    polygons = shapely.normalize(np.where(shapely.is_valid(simple), simple, exact))
    frame = parts.assign(building_id=parts.index + 1, area_m2=shapely.area(polygons))[list(COLUMNS)].astype(COLUMNS)
    return geopandas.GeoDataFrame(frame, geometry=geopandas.GeoSeries(polygons, crs=grid.crs), crs=grid.crs)

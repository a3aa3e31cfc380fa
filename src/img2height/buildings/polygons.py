"""Buildings as polygons with heights, from a footprint mask."""

from pathlib import Path

import geopandas
import numpy as np
import pandas
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.features import shapes
from shapely.geometry import shape
from skimage.measure import label

from img2height.errors import DataError
from img2height.scenes.heights import known
from img2height.tables import write_geopackage, write_table

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
    """Return one row a building: building_id, height_m, height_max_m, ground_m, area_m2 and a valid polygon.

    A building is a region of footprint pixels that share edges; rows follow the first pixel of each, row by row.
    `height_m` is the median of the heights inside, `height_max_m` their 95th percentile, `ground_m` the median of the
    terrain; NaN where nothing is known. `area_m2` is that of the polygon.

    Args:
        height: HxW heights above ground in metres, NaN or -9999 where unknown.
        footprint: HxW, 1 or true is building.
        transform: pixel corner to map coordinates.
        crs: projected, axes in metres.
        simplify_m: tolerance of Douglas and Peucker in metres, topology kept; 0 keeps the outline of the pixels.
        ground: HxW terrain heights in metres, NaN or -9999 where unknown; None if there are none.

    Raises:
        DataError: the shapes differ, or the coordinates are not metres.
    """
    _check(height, footprint, crs, ground)
    labels = label(np.asarray(footprint) == 1, connectivity=1).astype(np.int32)
    found = {int(number): outline for outline, number in shapes(labels, mask=labels > 0, transform=transform)}
    ids = sorted(found)
    outlines = np.array([shape(found[number]) for number in ids], dtype=object)
    simple = shapely.simplify(outlines, simplify_m, preserve_topology=True)
    # GEOS keeps each ring whole but may move a shell off its hole; such a building keeps the outline of its pixels.
    polygons = shapely.normalize(np.where(shapely.is_valid(simple), simple, outlines))
    statistics = _height_statistics(labels, height, ground).reindex(ids)
    frame = statistics.assign(building_id=ids, area_m2=shapely.area(polygons)).astype(COLUMNS)
    frame = frame[list(COLUMNS)].reset_index(drop=True)
    return geopandas.GeoDataFrame(frame, geometry=geopandas.GeoSeries(polygons, crs=crs), crs=crs)


def write_buildings(frame: geopandas.GeoDataFrame, parquet: str | Path, gpkg: str | Path) -> None:
    """Write buildings as GeoParquet, the record, and as GeoPackage, for eyes; the same buildings give the same bytes.

    Args:
        frame: as `extract` gives it; none is a valid number of buildings.
        parquet: the GeoParquet file.
        gpkg: the GeoPackage file, layer `buildings`.
    """
    write_table(frame, parquet)
    write_geopackage(frame, gpkg, "buildings")


def _height_statistics(labels: np.ndarray, height: np.ndarray, ground: np.ndarray | None) -> pandas.DataFrame:
    """Return height_m, height_max_m and ground_m by label; unknown pixels are left out."""
    inside = labels > 0
    pixels = pandas.DataFrame(
        {
            "label": labels[inside],
            "height": _nan_if_unknown(height[inside]),
            "ground": np.nan if ground is None else _nan_if_unknown(ground[inside]),
        }
    ).groupby("label")
    return pandas.DataFrame(
        {
            "height_m": pixels["height"].median(),
            "height_max_m": pixels["height"].quantile(MAX_QUANTILE),
            "ground_m": pixels["ground"].median(),
        }
    )


def _nan_if_unknown(heights: np.ndarray) -> np.ndarray:
    return np.where(known(heights), heights, np.nan).astype(np.float64)


def _check(height: np.ndarray, footprint: np.ndarray, crs: CRS | None, ground: np.ndarray | None) -> None:
    for what, array in (("footprint", footprint), ("ground", ground)):
        if array is not None and array.shape != height.shape:
            raise DataError(
                f"the {what} has the shape {array.shape}, the heights {height.shape}; bring both to one grid"
            )
    if crs is None or not CRS.from_user_input(crs).is_projected:
        raise DataError(
            f"the coordinate system is {crs}; buildings need a projected one in metres: reproject the scene"
        )

"""Coordinate systems: the one place where coordinates are transformed from one to another."""

from functools import cache

import geopandas
import numpy as np
import pyproj
import shapely
from rasterio.crs import CRS

from img2height.errors import DataError

Areas = shapely.Geometry | np.ndarray  # one, or an array of them
Bounds = tuple[float, float, float, float]  # west, south, east, north
System = CRS | pyproj.CRS | str

BOUNDS_POINTS = 51  # along each side of a box


def reproject(areas: Areas, source: System, target: System) -> Areas:
    """Return geometries in the coordinates of another CRS; only their vertices are moved."""
    if source == target:
        return areas
    return shapely.transform(areas, _transformer(source, target).transform, interleaved=False)


def reproject_table(frame: geopandas.GeoDataFrame, target: System) -> geopandas.GeoDataFrame:
    """Return a table with its geometries in another CRS; only their vertices are moved."""
    wanted = pyproj.CRS.from_user_input(target)
    moved = reproject(frame.geometry.to_numpy(), frame.crs, wanted)
    return frame.set_geometry(geopandas.GeoSeries(moved, index=frame.index, crs=wanted))


def reproject_bounds(bounds: Bounds, source: System, target: System) -> Bounds:
    """Return a box in another CRS that holds a box, whose sides bend on the way."""
    if source == target:
        return bounds
    return _transformer(source, target).transform_bounds(*bounds, densify_pts=BOUNDS_POINTS)


def metres_per_unit(crs: CRS | None) -> float:
    """Return how many metres one unit of the axes of a projected CRS has.

    Raises:
        DataError: there is no CRS, or its axes are angles.
    """
    if crs is None or not crs.is_projected:
        raise DataError(f"a projected coordinate reference system is needed, found {crs}; warp the raster to one first")
    return crs.linear_units_factor[1]


@cache
def _transformer(source: System, target: System) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)

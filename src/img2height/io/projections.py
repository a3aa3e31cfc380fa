"""Coordinate systems: the one place where coordinates are transformed from one to another.

pyproj chooses the operation, once for two systems and the place where it is used. rasterio's GDAL brings its own PROJ,
whose database of another date may contain other operations: its warp is given pyproj's, see `io/warping.py`.
"""

import contextlib
import logging
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, TypeVar

import geopandas
import numpy as np
import pyproj
import shapely
from pyproj.aoi import AreaOfInterest
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup
from rasterio.crs import CRS
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError

LOG = logging.getLogger(__name__)

Areas = TypeVar("Areas", BaseGeometry, np.ndarray)  # one, or an array of them
Bounds = tuple[float, float, float, float]  # west, south, east, north
System: TypeAlias = CRS | pyproj.CRS | str

MOST_DISTORTION = 0.02  # of lengths on the map relative to the ground; UTM has 0.001; pixels and areas are still right
BOUNDS_POINTS = 51  # along each side of a box
PLACE_DEG = 0.1  # rounding of a place, so that neighbouring scenes share one; transformations are made for countries
GEOGRAPHIC = "EPSG:4326"


@dataclass(frozen=True)
class Operation:
    """A transformation of coordinates from one system to another.

    Attributes:
        definition: PROJ pipeline for GDAL; axes in the order of the systems' definitions.
        transformer: the same with x to the east and y to the north.
    """

    definition: str
    transformer: pyproj.Transformer


def require_metres(crs: System | None) -> None:
    """Raise a DataError unless map coordinates are in metres."""
    if crs is None or not (found := CRS.from_user_input(crs)).is_projected or found.linear_units_factor[1] != 1:
        raise DataError(
            f"the coordinate system is {crs}; buildings need a projected one in metres: reproject the scene"
        )


def move(areas: Areas, function: Callable[[Any, Any], Any]) -> Areas:
    """Return geometries whose vertices are moved by a function of x and y."""
    return shapely.transform(areas, function, interleaved=False)  # type: ignore[arg-type]  # stubs: one array only


def reproject(areas: Areas, source: System, target: System, place: Bounds) -> Areas:
    """Transform geometries to another CRS; only their vertices are moved.

    Args:
        areas: in the coordinates of the source.
        source: their CRS.
        target: another CRS.
        place: where the operation is used, see `place_of`.
    """
    if source == target:
        return areas
    return move(areas, operation(source, target, place).transformer.transform)


def reproject_table(frame: geopandas.GeoDataFrame, target: System, place: Bounds) -> geopandas.GeoDataFrame:
    """Transform the geometries of a table to another CRS; only their vertices are moved."""
    wanted = pyproj.CRS.from_user_input(target)
    moved = reproject(frame.geometry.to_numpy(), frame.crs, wanted, place)
    return frame.set_geometry(geopandas.GeoSeries(moved, index=frame.index, crs=wanted))


def reproject_bounds(bounds: Bounds, source: System, target: System, place: Bounds, *, back: bool = False) -> Bounds:
    """Return a box in another CRS that contains a box, whose sides bend on the way.

    Args:
        bounds: in the source, or with `back` in the target.
        source: a CRS.
        target: another CRS.
        place: where the operation is used, see `place_of`.
        back: whether to run the operation backwards.
    """
    if source == target:
        return bounds
    direction = TransformDirection.INVERSE if back else TransformDirection.FORWARD
    transformer = operation(source, target, place).transformer
    return transformer.transform_bounds(*bounds, densify_pts=BOUNDS_POINTS, direction=direction)


def place_of(bounds: Bounds, crs: System) -> Bounds:
    """Return the approximate position of a box in degrees; the whole earth if its CRS does not define it."""
    west, south, east, north = _roughly(crs).transform_bounds(*bounds)
    if not all(map(math.isfinite, (west, south, east, north))):
        return -180.0, -90.0, 180.0, 90.0
    low, high = (round(math.floor(edge / PLACE_DEG) * PLACE_DEG, 1) for edge in (west, south))
    right, top = (round(math.ceil(edge / PLACE_DEG) * PLACE_DEG, 1) for edge in (east, north))
    return max(low, -180.0), max(high, -90.0), min(right, 180.0), min(top, 90.0)


@cache
def operation(source: System, target: System, place: Bounds) -> Operation:
    """Return the best operation between two systems at a place, among those whose grid files are installed.

    The choice is logged, as a warning if its accuracy is not available.

    Args:
        source: a CRS.
        target: another CRS.
        place: west, south, east and north in degrees, see `place_of`.

    Raises:
        DataError: there is none.
    """
    systems, area = (_horizontal(source), _horizontal(target)), AreaOfInterest(*place)
    with warnings.catch_warnings(action="ignore"):  # pyproj's warning about missing grid files, which is logged below
        plain, normalised = (
            TransformerGroup(*systems, always_xy=xy, area_of_interest=area)  # type: ignore[arg-type]  # stubs: a twin
            for xy in (False, True)
        )
    if not plain.transformers:
        raise DataError(f"no transformation from {systems[0].name} to {systems[1].name} is known; use another CRS")
    _log(plain, *systems)
    return Operation(plain.transformers[0].definition, normalised.transformers[0])


def _log(found: TransformerGroup, source: pyproj.CRS, target: pyproj.CRS) -> None:
    chosen, systems = found.transformers[0], f"{source.name} to {target.name}"
    grids = sorted({grid.short_name for other in found.unavailable_operations for grid in other.grids})
    missing = "" if found.best_available else f"; better ones need grid files ({', '.join(grids)}: pyproj sync)"
    if chosen.accuracy < 0:
        LOG.warning("%s: the transformation has no stated accuracy, layers may be displaced%s", systems, missing)
    else:
        LOG.info("%s: %s, accurate to %g m%s", systems, chosen.description, chosen.accuracy, missing)


def _horizontal(system: System) -> pyproj.CRS:
    """Return a CRS without its heights, which are not transformed.

    CRS with a code are taken from pyproj's database, because others use other names, and renaming changes a datum.
    """
    crs = pyproj.CRS.from_user_input(system)
    crs = crs.sub_crs_list[0] if crs.is_compound else crs
    if identity := crs.to_json_dict().get("id"):
        with contextlib.suppress(CRSError):  # a code that is newer than the database
            crs = pyproj.CRS.from_authority(identity["authority"], identity["code"])
    return crs.to_2d()


def require_system(crs: CRS | None, where: str) -> None:
    """Raise a DataError that says what to do unless a CRS states where coordinates lie.

    Args:
        crs: of a raster, if it has one.
        where: what lies there, for the message.
    """
    if crs is None:
        raise DataError(
            f"{where}: has no coordinate reference system; write it into the file: rio edit-info --crs EPSG:…"
        )
    if not crs.is_projected and not crs.is_geographic:
        raise DataError(
            f"{where}: its coordinate system is local, so that nothing states where it lies; write the system that was "
            "meant into the file: rio edit-info --crs EPSG:…"
        )


def require_projected(crs: CRS | None, bounds: Bounds, where: str) -> None:
    """Raise a DataError that says what to do unless a CRS is projected.

    Args:
        crs: of a raster, if it has one.
        bounds: box in its coordinates.
        where: what lies there, for the message.
    """
    require_system(crs, where)
    if crs is not None and not crs.is_projected:
        raise DataError(
            f"{where}: its coordinates are degrees ({crs.to_string()}); warp it to a system in metres: gdalwarp -t_srs "
            f"{fitting_zone(bounds, crs)}"
        )


def metres_per_unit(crs: CRS | None) -> float:
    """Return the length in metres of one axis unit of a projected CRS.

    Raises:
        DataError: there is no CRS, or its axes are angles.
    """
    if crs is None or not crs.is_projected:
        raise DataError(f"a projected coordinate reference system is needed, found {crs}; warp the raster to one first")
    return crs.linear_units_factor[1]


def require_true_scale(crs: CRS, bounds: Bounds, where: str) -> None:
    """Raise a DataError if lengths on the map differ from those on the ground: pixel sizes and areas would be wrong.

    Lengths are compared at the centre of the box by Tissot's indicatrix, which PROJ computes.

    Args:
        crs: a projected one.
        bounds: box in map coordinates.
        where: name of the data, for the message.
    """
    west, south, east, north = place_of(bounds, crs)
    found = pyproj.Proj(_horizontal(crs)).get_factors((west + east) / 2, (south + north) / 2)
    scales = found.tissot_semimajor, found.tissot_semiminor
    worst = max(scales, key=lambda scale: abs(scale - 1))
    if not abs(worst - 1) <= MOST_DISTORTION:
        zone = fitting_zone(bounds, crs)
        raise DataError(
            f"{where}: a metre on the ground is {worst:.3f} m on the map of {crs.to_string()}, so that pixel sizes and "
            f"areas would be wrong; warp it to a zone that fits, e.g. {zone} (in a dataset file grid: {{crs: {zone}, "
            "gsd_m: …}})"
        )


def fitting_zone(bounds: Bounds, crs: System) -> str:
    """Return the UTM zone in which a box of another CRS lies, e.g. EPSG:32633; an ellipsis where it lies nowhere."""
    with contextlib.suppress(RuntimeError):  # the box is outside the area of its CRS
        return geopandas.GeoSeries([shapely.box(*bounds)], crs=crs).estimate_utm_crs().to_string()
    return "EPSG:…"


@cache
def _roughly(crs: System) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs, GEOGRAPHIC, always_xy=True)

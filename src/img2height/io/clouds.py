"""Point clouds (LAS, LAZ, COPC): what a file states about its coordinates and heights, and its points in chunks."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import laspy
import lazrs
import numpy as np
import pyproj
from laspy import DecompressionSelection as Fields
from laspy.vlrs.geotiff import GeoKeyDirectoryVlr
from pyproj.exceptions import CRSError
from rasterio.crs import CRS
from rasterio.errors import CRSError as RasterioCRSError

from img2height.errors import DataError
from img2height.io.projections import Bounds, fitting_zone
from img2height.io.values import EXACT, horizontal, vertical
from img2height.io.verticals import HeightShift, Vertical, named_vertical, require_same
from img2height.vocabulary.storage import CLOUDS
from img2height.vocabulary.units import METRES

CHUNK = 1_000_000  # points that are read at once
READ = Fields.XY_RETURNS_CHANNEL | Fields.Z | Fields.CLASSIFICATION | Fields.FLAGS
# GeoTIFF keys that laspy does not read: unit of the axes, and system and unit of the heights.
AXES_UNIT, HEIGHTS_SYSTEM, HEIGHTS_UNIT = 3076, 4096, 4099
EPSG_CODES = range(1024, 32767)


@dataclass(frozen=True)
class Stated:
    """What is declared for point clouds that do not state it themselves.

    Attributes:
        crs: horizontal coordinate system.
        unit: of the heights, a key of `METRES`.
        vertical: system of the heights, see `named_vertical`.
    """

    crs: str | None = None
    unit: str | None = None
    vertical: str | None = None


@dataclass(frozen=True)
class Cloud:
    """A point cloud that passed the checks.

    Attributes:
        path: the file.
        count: number of its points.
        crs: horizontal coordinate system.
        metres: length of the unit of its heights.
        vertical: system of its heights, stated or declared, if any.
        bounds: of its points, in map coordinates.
        shift: what is added to heights to convert them to another vertical system.
        converted: name of that system.
    """

    path: Path
    count: int
    crs: CRS
    metres: float
    vertical: Vertical | None
    bounds: Bounds
    shift: HeightShift | None = None
    converted: str = ""


class Points(NamedTuple):
    """Points of a cloud, N each: map coordinates, heights in metres (float64), and classes (uint8)."""

    x: np.ndarray
    y: np.ndarray
    height_m: np.ndarray
    classes: np.ndarray


def clouds_in(path: Path) -> list[Path]:
    """Return the point clouds of a folder in the order of their names, or the one file.

    Raises:
        DataError: there is none.
    """
    if not path.is_dir():
        if not path.exists():
            raise DataError(f"{path}: this point cloud does not exist; check the path")
        return [path]
    found = sorted(file for file in path.iterdir() if file.name.lower().endswith(CLOUDS))
    if not found:
        raise DataError(f"{path}: contains no point cloud ({', '.join(CLOUDS)})")
    return found


def extent_of(path: Path) -> tuple[Bounds, CRS | None]:
    """Return the extent of the points of a file in its own coordinates, and their horizontal system if it states it."""
    with _reading(path) as reader:
        header = reader.header
        return _bounds(header), _horizontal(_system(path, header))


def _bounds(header: laspy.LasHeader) -> Bounds:
    (west, south, _), (east, north, _) = header.mins, header.maxs
    return float(west), float(south), float(east), float(north)


def check_cloud(path: Path, stated: Stated) -> Cloud:
    """Return a point cloud after checking its coordinate system and the unit of its heights.

    Raises:
        DataError: the file cannot be read or has no points, its coordinates are degrees, it contradicts what is
            declared, or states less than is needed.
    """
    with _reading(path) as reader:
        header = reader.header
        system = _system(path, header)
        if not header.point_count:
            raise DataError(f"{path}: contains no points; leave it out")
        bounds = _bounds(header)
        crs, keys = _position(path, system, stated.crs, bounds), _geo_keys(header)
        _require_axes_unit(path, crs, keys)
        heights = require_same(_stated_vertical(system, keys), stated.vertical, str(path), "the file")
        metres = _metres(path, heights, crs, keys, stated.unit)
        return Cloud(path, header.point_count, crs, metres, heights, bounds)


def points_of(cloud: Cloud) -> Iterator[Points]:
    """Yield the points of a cloud without those that are marked as withheld or synthetic.

    Raises:
        DataError: the file is truncated or damaged.
    """
    with _reading(cloud.path) as reader:
        left = cloud.count
        while left:
            chunk = reader.read_points(CHUNK)
            if len(chunk) < min(CHUNK, left):  # laspy only logs that
                raise DataError(
                    f"{cloud.path}: has {cloud.count - left + len(chunk)} of {cloud.count} points; copy it again"
                )
            left -= len(chunk)
            kept = measured(chunk)
            x, y, z = (np.asarray(axis, np.float64) for axis in (kept.x, kept.y, kept.z))
            heights = z * cloud.metres + (cloud.shift.at_places(x, y) if cloud.shift and len(x) else 0.0)
            yield Points(x, y, heights, np.asarray(kept.classification, np.uint8))


def measured(points: laspy.ScaleAwarePointRecord) -> laspy.ScaleAwarePointRecord:
    """Return the points that are not marked as withheld or synthetic."""
    return points[~(np.asarray(points.withheld, bool) | np.asarray(points.synthetic, bool))]


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[laspy.LasReader]:
    """Yield an open cloud; errors of the libraries become a DataError that names the file."""
    try:
        with laspy.open(path, decompression_selection=READ) as reader:
            yield reader
    except (laspy.errors.LaspyException, lazrs.LazrsError, OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as a point cloud ({error}); copy it again") from error


def _system(path: Path, header: laspy.LasHeader) -> pyproj.CRS | None:
    try:
        return header.parse_crs()
    except CRSError as error:
        raise DataError(
            f"{path}: its coordinate system cannot be read ({error}); write another into the file"
        ) from error


def _horizontal(system: pyproj.CRS | None) -> CRS | None:
    return horizontal(CRS.from_wkt(system.to_wkt())) if system else None


def _position(path: Path, system: pyproj.CRS | None, declared: str | None, bounds: Bounds) -> CRS:
    """Return the horizontal system of a cloud."""
    found = _stated_or_declared(path, _horizontal(system), declared)
    if found is None:
        raise DataError(f"{path}: states no coordinate system; declare it: crs, e.g. EPSG:32633")
    if not found.is_projected:
        raise DataError(
            f"{path}: its coordinates are degrees or local ({found.to_string()[:60]}); transform it to a system in "
            f"metres: pdal translate IN OUT reprojection --filters.reprojection.out_srs={fitting_zone(bounds, found)}"
        )
    return found


def _stated_or_declared(path: Path, stated: CRS | None, declared: str | None) -> CRS | None:
    if declared is None:
        return stated
    try:
        named = horizontal(CRS.from_user_input(declared))
    except RasterioCRSError as error:
        raise DataError(f"crs: {declared!r} is not a coordinate system; write e.g. EPSG:32633") from error
    if stated and stated != named:
        raise DataError(
            f"{path}: declared as {declared}, but its coordinates are in {stated.to_string()[:60]} according to the "
            "file; correct the declaration, or the file"
        )
    return named


def _geo_keys(header: laspy.LasHeader) -> dict[int, int]:
    """Return the GeoTIFF keys of a cloud that have a code as value."""
    records = [record for record in header.vlrs if isinstance(record, GeoKeyDirectoryVlr)]
    return {key.id: key.value_offset for record in records for key in record.geo_keys if key.tiff_tag_location == 0}


def _require_axes_unit(path: Path, crs: CRS, keys: dict[int, int]) -> None:
    """Raise a DataError if GeoTIFF keys name another unit of the axes than the coordinate system has."""
    unit = _unit(keys.get(AXES_UNIT))
    if unit and abs(METRES[unit] / crs.linear_units_factor[1] - 1) > EXACT:
        raise DataError(
            f"{path}: its axes are in {crs.linear_units} according to {crs.to_string()[:60]}, and in {unit} according "
            "to its GeoTIFF keys; write the right system into the file as WKT"
        )


def _stated_vertical(system: pyproj.CRS | None, keys: dict[int, int]) -> Vertical | None:
    part = vertical(CRS.from_wkt(system.to_wkt())) if system and system.is_compound else None
    if part is not None:
        return Vertical(part.name, part)
    code = keys.get(HEIGHTS_SYSTEM, 0)
    return named_vertical(f"EPSG:{code}") if code in EPSG_CODES else None


def _metres(path: Path, heights: Vertical | None, crs: CRS, keys: dict[int, int], declared: str | None) -> float:
    """Return the length of the unit of heights in metres."""
    stated = {METRES[unit] for unit in (_unit(keys.get(HEIGHTS_UNIT)),) if unit}
    if heights and heights.crs is not None:
        axis = heights.crs.axis_info[0]
        if axis.direction == "down":
            raise DataError(f"{path}: its vertical system {heights.name} counts downwards, so it contains depths")
        stated.add(axis.unit_conversion_factor)
    if declared:
        stated.add(METRES[declared])
    if not stated:
        raise DataError(
            f"{path}: the unit of its heights is not stated (its map coordinates are in {crs.linear_units}); declare "
            f"it: unit, e.g. metre (one of {', '.join(METRES)})"
        )
    if max(stated) / min(stated) - 1 > EXACT:
        found = ", ".join(f"{metres:.7g} m" for metres in sorted(stated))
        raise DataError(
            f"{path}: units of its heights contradict each other: {found}; correct the declaration, or the file"
        )
    return float(min(stated))


def _unit(code: int | None) -> str | None:
    """Return the unit of an EPSG code of lengths; None for others."""
    return {9001: "metre", 9002: "foot", 9003: "us_survey_foot"}.get(code or 0)

"""Reads known heights from a table, a vector file or a point cloud, as they are stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import laspy
import numpy as np
import pandas
import pyproj
import shapely
from laspy.errors import LaspyException
from pyproj.exceptions import CRSError

from img2height.errors import DataError
from img2height.io.clouds import measured
from img2height.io.projections import GEOGRAPHIC
from img2height.io.vectors import numbers, polygon_parts, read_features
from img2height.vocabulary.storage import VECTORS

TABLES, CLOUDS = (".csv",), (".laz", ".las")
READABLE = (*TABLES, *VECTORS, *CLOUDS)
HEIGHT = "height"  # the column, unless another is named
DEGREES = (("lon", "lat"), ("longitude", "latitude"))
PLACES = (("x", "y"), *DEGREES)
MOST_RETURNS = 1_000_000  # of a point cloud; of more every n-th is read
CHUNK = 1_000_000
NOISE, TERRAIN_CLASS = (7, 18), 2  # classes of ASPRS


@dataclass(frozen=True)
class Control:
    """Known heights as they are stored.

    Attributes:
        path: the file.
        crs: of the places.
        shapes: N points, or N polygons with one height each.
        heights: N float64 in the unit of the file, NaN where missing.
        rows: N int64, the number of each in the file, from 1.
    """

    path: Path
    crs: pyproj.CRS
    shapes: np.ndarray
    heights: np.ndarray
    rows: np.ndarray

    @property
    def is_cloud(self) -> bool:
        """Whether they were scanned, so that one place may have several heights."""
        return self.path.suffix.lower() in CLOUDS

    @property
    def are_polygons(self) -> bool:
        """Whether each height belongs to a polygon, and not to a point."""
        return bool(len(self.shapes)) and shapely.get_dimensions(self.shapes[0]) == 2

    def where(self, chosen: np.ndarray) -> "Control":
        """Return the chosen heights, N bool."""
        return Control(self.path, self.crs, self.shapes[chosen], self.heights[chosen], self.rows[chosen])


def read_control(
    path: Path, *, column: str | None = None, layer: str | None = None, crs: str | None = None, terrain: bool = False
) -> Control:
    """Return the known heights in a file.

    Args:
        path: CSV with columns `x` and `y`, or `lon` and `lat`; points or polygons in any vector format; LAS or LAZ.
        column: of the heights; by default `height`, and z of points that have no such column.
        layer: of a vector file with several.
        crs: of a file that states none.
        terrain: of a point cloud the points on the ground are read, otherwise first returns.

    Raises:
        DataError: the file cannot be read, or lacks a column, a place or a coordinate system.
    """
    suffix = path.suffix.lower()
    if not path.exists():
        raise DataError(f"{path}: the known heights do not exist; check the path")
    if suffix in TABLES:
        return _from_table(path, column or HEIGHT, crs)
    if suffix in CLOUDS:
        return _from_cloud(path, crs, terrain)
    if suffix in VECTORS:
        return _from_vectors(path, column, layer, crs)
    raise DataError(f"{path}: known heights are read from {', '.join(READABLE)}, found {suffix or 'no suffix'!r}")


def _from_table(path: Path, column: str, crs: str | None) -> Control:
    try:
        frame = pandas.read_csv(path, skipinitialspace=True)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: cannot be read as a CSV ({error}); separate columns by commas, in UTF-8") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    place = next((pair for pair in PLACES if set(pair) <= set(frame.columns)), None)
    if place is None or column not in frame.columns:
        wanted = "x and y (or lon and lat)" if place is None else column
        raise DataError(f"{path}: has no column {wanted}; its columns are {_listed(frame.columns)}")
    if place not in DEGREES and crs is None:
        raise DataError(f"{path}: the coordinate system of x and y is not stated; give --crs, e.g. EPSG:32633")
    x, y = (_coordinates(frame[name], path) for name in place)
    if place in DEGREES:
        _require_agreed(path, crs, _system(GEOGRAPHIC))
    stated = GEOGRAPHIC if place in DEGREES else crs
    return Control(path, _system(stated), _points(x, y), numbers(frame[column], f"{path}, {column}"), _rows(frame))


def _coordinates(column: pandas.Series, path: Path) -> np.ndarray:
    values = pandas.to_numeric(column, errors="coerce").to_numpy(np.float64)
    if len(wrong := np.flatnonzero(~np.isfinite(values))):
        raise DataError(
            f"{path}: row {wrong[0] + 1} has no valid {column.name} ({column.iloc[wrong[0]]!r}), and "
            f"{len(wrong) - 1} others; remove them"
        )
    return values


def _from_vectors(path: Path, column: str | None, layer: str | None, crs: str | None) -> Control:
    frame = read_features(path, "known heights", layer, None if crs is None else _system(crs))
    stated = _system(frame.crs)
    _require_agreed(path, crs, stated)
    there = (frame.geometry.notna() & ~frame.geometry.is_empty).to_numpy()
    kinds = set(frame.geom_type[there])
    if not (kinds == {"Point"} or (kinds and kinds <= {"Polygon", "MultiPolygon"})):
        raise DataError(
            f"{path}: must contain either points or polygons, found {', '.join(sorted(kinds)) or 'nothing'}; separate "
            "them (ogr2ogr -explodecollections)"
        )
    shapes, name = frame.geometry.to_numpy()[there], column or HEIGHT
    if name in frame.columns:
        heights = numbers(frame[name], f"{path}, {name}")[there]
    elif column is None and kinds == {"Point"} and shapely.has_z(shapes).all():
        heights = shapely.get_z(shapes)
    else:
        columns = _listed(each for each in frame.columns if each != frame.geometry.name)
        raise DataError(f"{path}: has no column {name}; name that of the heights (--column): {columns}")
    flat = shapely.force_2d(shapes) if kinds == {"Point"} else polygon_parts(shapely.force_2d(shapes))
    return Control(path, stated, flat, heights, _rows(frame)[there])


def _from_cloud(path: Path, crs: str | None, terrain: bool) -> Control:
    try:
        with laspy.open(path) as cloud:
            stated, step = cloud.header.parse_crs(), -(-cloud.header.point_count // MOST_RETURNS)
            parts = [_returns(measured(points), step, terrain) for points in cloud.chunk_iterator(CHUNK)]
    except (LaspyException, CRSError, OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{path}: cannot be read as a point cloud ({error}); copy it again") from error
    if stated is None and crs is None:
        raise DataError(f"{path}: states no coordinate system; give --crs, e.g. EPSG:32633")
    if stated is not None:
        _require_agreed(path, crs, stated)
    found = np.concatenate(parts) if parts else np.zeros((0, 3))
    if not len(found):
        raise DataError(f"{path}: contains no {'point on the ground (class 2)' if terrain else 'first return'}")
    shapes = _points(found[:, 0], found[:, 1])
    return Control(path, stated or _system(crs), shapes, found[:, 2], np.arange(1, len(found) + 1))


def _returns(points: laspy.ScaleAwarePointRecord, step: int, terrain: bool) -> np.ndarray:
    """Return x, y and z of every n-th point that shows the surface, or the terrain, Nx3."""
    kind = np.asarray(points.classification)
    wanted = kind == TERRAIN_CLASS if terrain else (points.return_number <= 1) & ~np.isin(kind, NOISE)
    chosen = np.flatnonzero(wanted)[::step]
    return np.stack([np.asarray(axis)[chosen] for axis in (points.x, points.y, points.z)], axis=1)


def _require_agreed(path: Path, crs: str | None, stated: pyproj.CRS) -> None:
    if crs is not None and not stated.equals(_system(crs), ignore_axis_order=True):
        raise DataError(f"{path}: --crs is {crs}, but the file states {stated.to_string()}; leave out --crs")


def _system(text: str | pyproj.CRS | None) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError as error:
        raise DataError(f"--crs: {text!r} is not a coordinate system; write e.g. EPSG:32633") from error


def _points(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(shapely.points(x, y), dtype=object)


def _rows(frame: pandas.DataFrame) -> np.ndarray:
    return np.arange(1, len(frame) + 1)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(str, names)) or "none"

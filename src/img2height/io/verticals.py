"""The vertical system of heights: as stated or declared, and conversion to another one by PROJ."""

import logging
import warnings
from dataclasses import dataclass

import numpy as np
import pyproj
from pyproj.aoi import AreaOfInterest
from pyproj.crs import CompoundCRS
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import map_coordinates

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.projections import Bounds, System
from img2height.io.values import horizontal, vertical

LOG = logging.getLogger(__name__)
ELLIPSOID = "ellipsoid"  # in dataset files: heights above the ellipsoid of the coordinate system
LATTICE_PX = 32  # the difference of two systems is computed every so many pixels, and is smooth in between


@dataclass(frozen=True)
class Vertical:
    """A vertical system.

    Attributes:
        name: for messages and the record.
        crs: its definition; None for heights above the ellipsoid.
    """

    name: str
    crs: pyproj.CRS | None


def named_vertical(text: str) -> Vertical:
    """Return the vertical system that a dataset file names: `EPSG:…`, also of a compound system, or `ellipsoid`."""
    if text == ELLIPSOID:
        return Vertical(ELLIPSOID, None)
    try:
        found = pyproj.CRS.from_user_input(text)
    except CRSError as error:
        raise DataError(f"vertical: {text!r} is not a coordinate system; write e.g. EPSG:7837 or ellipsoid") from error
    parts = [part for part in (found, *found.sub_crs_list) if part.is_vertical and not part.is_compound]
    if not parts:
        raise DataError(f"vertical: {text} ({found.name}) is not a vertical system; write e.g. EPSG:7837 or ellipsoid")
    return Vertical(parts[0].name, parts[0])


def vertical_of(raster: DatasetReader, declared: str | None) -> Vertical | None:
    """Return the vertical system of a raster of heights: that of the file, else the declared one, None without either.

    Raises:
        DataError: the declaration contradicts the file.
    """
    return agreed_vertical(raster.crs, declared, raster.name)


def agreed_vertical(crs: System | None, declared: str | None, where: str) -> Vertical | None:
    """Return the vertical system that a coordinate system states, else the declared one; see `vertical_of`.

    Args:
        crs: of a file, if it has one.
        declared: see `named_vertical`.
        where: the file, for the message.
    """
    return require_same(_stated(crs), declared, where, "the file (gdal_edit.py -a_srs)")


def require_same(stated: Vertical | None, declared: str | None, where: str, other: str) -> Vertical | None:
    """Return the declared vertical system, else the stated one.

    Args:
        stated: by a file.
        declared: see `named_vertical`.
        where: the file, for the message.
        other: what to correct if the declaration is right.

    Raises:
        DataError: they differ.
    """
    if declared is None:
        return stated
    named = named_vertical(declared)
    if stated and stated.name != named.name:
        raise DataError(
            f"{where}: declared as {named.name}, but its heights refer to {stated.name} according to the file; "
            f"correct the declaration, or {other}"
        )
    return named


def _stated(crs: System | None) -> Vertical | None:
    if crs is None:
        return None
    if (part := vertical(crs)) is not None:
        return Vertical(part.name, part)
    three = len(pyproj.CRS.from_user_input(crs).axis_info) == 3
    return Vertical(ELLIPSOID, None) if three else None


@dataclass(frozen=True)
class HeightShift:
    """The difference between two vertical systems, which varies with the place.

    Attributes:
        transformer: from map coordinates and the one height to the other.
        metres: length of the unit of the other.
        description: of the operation.
    """

    transformer: pyproj.Transformer
    metres: float
    description: str

    def at(self, grid: Grid, window: Window) -> np.ndarray:
        """Return what is added to heights in a window of a grid, HxW float32 metres."""
        shape = int(window.height), int(window.width)
        counts = [max(2, round(length / LATTICE_PX) + 1) for length in shape]
        rows, columns = (np.linspace(0, length, count) for length, count in zip(shape, counts, strict=True))
        across, down = np.meshgrid(columns + window.col_off, rows + window.row_off)
        x, y = grid.transform @ (across.ravel(), down.ravel())
        moved = np.reshape(self.at_places(x, y), across.shape)
        centres = [(np.arange(n) + 0.5) / n * (count - 1) for n, count in zip(shape, counts, strict=True)]
        return map_coordinates(moved, np.meshgrid(*centres, indexing="ij"), order=1).astype(np.float32)

    def at_places(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return what is added to heights at map coordinates, N float64 metres."""
        moved = self.transformer.transform(x, y, np.zeros_like(x))[2]
        if not np.isfinite(moved).all():
            raise DataError(f"heights cannot be converted here: {self.description} has no value; check the CRS")
        return moved * self.metres


def height_shift(source: Vertical, target: Vertical, crs: CRS, place: Bounds) -> HeightShift | None:
    """Return the difference between two vertical systems at a place; None if they are the same.

    Args:
        source: of the heights.
        target: wanted.
        crs: horizontal system of the map coordinates.
        place: west, south, east and north in degrees.

    Raises:
        DataError: PROJ knows no operation, or the grid files that it needs are not installed.
    """
    if source.name == target.name:
        return None
    with warnings.catch_warnings(action="ignore"):  # about missing grid files, which are refused or logged below
        found = TransformerGroup(
            _joined(crs, source),
            _joined(crs, target),
            always_xy=True,
            area_of_interest=AreaOfInterest(*place),  # type: ignore[arg-type]  # stubs: a twin
        )
    exact = [one for one in found.transformers if one.accuracy >= 0 and "ballpark" not in one.description.lower()]
    if not exact:
        files = sorted({grid.short_name for other in found.unavailable_operations for grid in other.grids})
        why = (
            f"this needs a grid file that is not installed: pyproj sync --file {files[0]}" if files else "PROJ has none"
        )
        raise DataError(f"heights cannot be converted from {source.name} to {target.name}: {why}")
    LOG.info("%s to %s: %s, accurate to %g m", source.name, target.name, exact[0].description, exact[0].accuracy)
    unit = target.crs.axis_info[0].unit_conversion_factor if target.crs else 1.0
    return HeightShift(exact[0], unit, exact[0].description)


def _joined(crs: CRS, heights: Vertical) -> pyproj.CRS:
    """Return a system of positions and heights."""
    flat = pyproj.CRS.from_user_input(horizontal(crs))
    return flat.to_3d() if heights.crs is None else CompoundCRS(f"{flat.name} + {heights.name}", [flat, heights.crs])

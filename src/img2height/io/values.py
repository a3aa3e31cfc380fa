"""The meaning of the stored numbers of a raster: scale and offset, unit, vertical system and lossy compression."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyproj
from rasterio.crs import CRS
from rasterio.io import DatasetReader

from img2height.errors import DataError
from img2height.vocabulary.units import METRES, UNIT_OF

STRUCTURE = "IMAGE_STRUCTURE"  # GDAL's metadata domain for storage
EXACT = 1e-6  # relative difference below which two units are equal


@dataclass(frozen=True)
class Scaling:
    """The conversion of stored numbers to values: stored x scale + offset, per band.

    Attributes:
        scales: of the bands.
        offsets: of the bands, in the unit of the values.
    """

    scales: tuple[float, ...]
    offsets: tuple[float, ...]

    @classmethod
    def of(cls, raster: DatasetReader, indexes: Sequence[int]) -> "Scaling":
        """Return the scaling stated by a raster for bands, 1-based."""
        return cls(tuple(raster.scales[i - 1] for i in indexes), tuple(raster.offsets[i - 1] for i in indexes))

    @property
    def is_none(self) -> bool:
        """Whether the stored numbers are the values."""
        return set(self.scales) == {1.0} and set(self.offsets) == {0.0}

    def apply(self, stored: np.ndarray) -> np.ndarray:
        """Return the values, CxHxW float64, or the stored numbers unchanged if there is no scaling.

        Args:
            stored: CxHxW.
        """
        if self.is_none:
            return stored
        scales, offsets = (np.array(numbers)[:, None, None] for numbers in (self.scales, self.offsets))
        return stored * scales + offsets


@cache
def horizontal(crs: CRS | None) -> CRS | None:
    """Return the horizontal part of a coordinate reference system, which determines the position of pixels."""
    if crs is None:
        return None
    whole = pyproj.CRS.from_user_input(crs)
    part = next(iter(whole.sub_crs_list), whole)
    flat = part.to_2d() if len(part.axis_info) == 3 else part  # the third axis is the ellipsoidal height
    return crs if flat == whole else CRS.from_wkt(flat.to_wkt())


def vertical(crs: CRS | pyproj.CRS | str | None) -> pyproj.CRS | None:
    """Return the vertical part of a coordinate reference system, None if it has none."""
    parts = pyproj.CRS.from_user_input(crs).sub_crs_list if crs else []
    return parts[1] if len(parts) > 1 else None


def require_upward(raster: DatasetReader) -> None:
    """Raise a DataError if a raster of heights declares that it contains depths."""
    system = vertical(raster.crs)
    if system and system.axis_info[0].direction == "down":
        raise DataError(
            f"{raster.name}: its vertical system {system.name} counts downwards, so it contains depths; invert "
            "the sign and write the system of the heights into the file (gdal_edit.py -a_srs)"
        )


def stated_unit(raster: DatasetReader) -> str | None:
    """Return the unit of heights stated by a raster, a key of `METRES`; None if it states none.

    Raises:
        DataError: band and vertical system contradict each other, or the unit of the band is not supported.
    """
    written = _written_unit(raster)
    if written and written.casefold() not in UNIT_OF:
        raise DataError(
            f"{raster.name}: its values have the unit {written!r}, which is not supported; declare one of "
            f"{', '.join(METRES)}"
        )
    units = stated_units(raster)
    if len(units) > 1:
        raise DataError(
            f"{raster.name}: the unit of the band is {units[0]}, of its vertical system {units[1]}; declare the right "
            "one"
        )
    return units[0] if units else None


def stated_units(raster: DatasetReader) -> list[str]:
    """Return the different supported units of heights that a raster states: by its band, by its vertical system."""
    band = UNIT_OF.get(_written_unit(raster).casefold())
    return list(dict.fromkeys(unit for unit in (band, _vertical_unit(raster.crs)) if unit))


def _written_unit(raster: DatasetReader) -> str:
    return (raster.units[0] or "").strip()


def _vertical_unit(crs: CRS | None) -> str | None:
    system = vertical(crs)
    if system is None:
        return None
    factor = system.axis_info[0].unit_conversion_factor
    return next((unit for unit, metres in METRES.items() if abs(metres / factor - 1) < EXACT), None)


def compression_error(raster: DatasetReader) -> float:
    """Return the possible deviation of stored floating-point numbers from the original ones: that of LERC, else 0."""
    stated = raster.tags(ns=STRUCTURE).get("MAX_Z_ERROR", "0")
    return float(stated) if np.dtype(raster.dtypes[0]).kind == "f" else 0.0

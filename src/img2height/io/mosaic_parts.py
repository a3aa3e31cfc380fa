"""The parts of a mosaic (VRT): where they lie, what is repeated of each, and whether they fit together."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from img2height.errors import DataError
from img2height.io.bands import declared_bands, in_words

TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "int64": "Int64", "uint64": "UInt64", "float32": "Float32", "float64": "Float64",
}  # fmt: skip


class Part(NamedTuple):
    """A raster of a mosaic, and where its first pixel lies on the grid of the mosaic."""

    path: Path
    column: int
    row: int


class Look(NamedTuple):
    """What a VRT repeats of a raster, so that GDAL opens it only where it is read.

    Attributes:
        file: as seen from the folder of the VRT.
        part: its place.
        size: columns and rows.
        block: rows and columns.
        flags: how GDAL finds the missing pixels of its first band.
    """

    file: str
    part: Part
    size: tuple[int, int]
    block: tuple[int, int]
    flags: frozenset[MaskFlags]

    @classmethod
    def at(cls, part: Part, raster: DatasetReader, vrt: Path) -> "Look":
        """Return what a VRT repeats of an open raster."""
        flags = frozenset(raster.mask_flag_enums[0])
        size, block = (raster.width, raster.height), raster.block_shapes[0]
        return cls(_seen_from(vrt.parent, part.path), part, size, block, flags)

    @property
    def masked(self) -> bool:
        """Whether it has a mask of its own, which replaces its nodata."""
        return MaskFlags.per_dataset in self.flags and not self.by_alpha

    @property
    def by_alpha(self) -> bool:
        """Whether an alpha band says what is missing."""
        return MaskFlags.alpha in self.flags

    @property
    def by_nodata(self) -> bool:
        """Whether nothing but nodata says what is missing."""
        return self.flags == {MaskFlags.nodata}


def overlap(looks: Sequence[Look]) -> bool:
    """Return whether any two parts share a pixel."""
    places = [(look.part.column, look.part.row, *look.size) for look in looks]
    corners = np.array([(x + 0.5, y + 0.5, x + across - 0.5, y + down - 0.5) for x, y, across, down in places])
    centres = shapely.box(*corners.T)
    return len(shapely.STRtree(centres).query(centres, predicate="intersects")[0]) > len(looks)


def needs_mask(looks: Sequence[Look], missing: Sequence[float | None], nodata: float | None) -> bool:
    """Return whether a mosaic has a mask: a part has one, or nothing else could mark what no part covers.

    A mask made from nodata would be wrong with GDAL 3.10 (findings/vrt_mask_of_nodata.sh).

    Raises:
        DataError: a part has a mask, another one only nodata, which was not declared.
    """
    masked = [look.part.path for look in looks if look.masked]
    if nodata is None and masked and (others := [look.part.path for look in looks if look.by_nodata]):
        raise DataError(
            f"{masked[0]} has a mask, which replaces its nodata, and {others[0]} only nodata ({missing[0]}); write a "
            "mask into both, declare the nodata (key nodata of the layer), or use them apart"
        )
    return bool(masked) or None in missing


def require_type(raster: DatasetReader) -> None:
    """Raise a DataError unless a VRT can have the type of the bands of a raster."""
    if others := set(raster.dtypes) - TYPES.keys():
        raise DataError(
            f"{raster.name}: a mosaic of {', '.join(sorted(others))} is not supported; convert its parts to one of "
            f"{', '.join(TYPES)}: gdal_translate -ot"
        )


def require_same_bands(
    first: DatasetReader, other: DatasetReader, nodata: float | None, bands: Sequence[str] | None
) -> None:
    """Raise a DataError if two parts differ in their bands, or in nodata that is not declared.

    Args:
        first: an open raster.
        other: likewise.
        nodata: as declared, if it is.
        bands: names as declared, empty if they are not; None: names are not compared.
    """
    require_type(first)
    if first.dtypes != other.dtypes:
        found = [f"{raster.name} has {raster.count} of {', '.join(set(raster.dtypes))}" for raster in (first, other)]
        raise DataError(f"the bands of rasters of one layer differ: {'; '.join(found)}; convert them to one type")
    if nodata is None and repr(first.nodatavals) != repr(other.nodatavals):
        raise DataError(
            f"{first.name} and {other.name} have different nodata ({first.nodata} and {other.nodata}); declare the one "
            "that is meant (key nodata of the layer)"
        )
    if bands is not None:
        _require_same_names(first, other, bands)


def _require_same_names(first: DatasetReader, other: DatasetReader, declared: Sequence[str]) -> None:
    one, two = (declared_bands(raster, declared) for raster in (first, other))
    if one != two:
        found = [f"{raster.name} ({in_words(names)})" for raster, names in ((first, one), (other, two))]
        raise DataError(
            f"{' and '.join(found)} differ in their bands; bring them into one order (gdal_translate -b), describe "
            "them alike (rio edit-info --bidx 1 --description red), or declare those that are not stated (key bands of "
            "the layer)"
        )


def _seen_from(folder: Path, file: Path) -> str:
    """Return the path of a file relative to a folder: as both are given, unless `..` would leave a linked folder."""
    relative = os.path.relpath(file, folder)
    if (folder / relative).resolve() == file.resolve():
        return relative
    return os.path.relpath(file.resolve(), folder.resolve())

"""Writes mosaics (VRT): many rasters as one, in place and without a copy of a pixel."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
import shapely
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from img2height.errors import DataError
from img2height.io.atomic import atomic_path
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster

TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "int64": "Int64", "uint64": "UInt64", "float32": "Float32", "float64": "Float64",
}  # fmt: skip


class Part(NamedTuple):
    """A raster of a mosaic, and where its first pixel lies on the grid of the mosaic."""

    path: Path
    column: int
    row: int


class _Look(NamedTuple):
    """What a source element of a VRT repeats of its raster, so that GDAL opens it only where it is read."""

    file: str  # as seen from the folder of the VRT
    part: Part
    size: tuple[int, int]
    block: tuple[int, int]

    @classmethod
    def at(cls, part: Part, raster: DatasetReader, vrt: Path) -> "_Look":
        return cls(_seen_from(vrt.parent, part.path), part, (raster.width, raster.height), raster.block_shapes[0])


def write_mosaic(
    path: Path, grid: Grid, parts: Sequence[Part], *, crs: CRS | None = None, nodata: float | None = None,
    ratio: float | None = None, colours: int = 0,
) -> None:  # fmt: skip
    """Write a mosaic; where no part lies, it is missing: it has the nodata of its parts, or a mask if they have none.

    Descriptions, units, colours, scale and offset are those of the first part; `require_alike` compares the others.

    Args:
        path: the VRT; refers to its parts relative to its folder.
        grid: its grid; may differ from those of the parts, which may have none.
        parts: on the grid; of overlapping ones the last with a valid pixel is seen.
        crs: coordinate system, if it says more than that of the grid.
        nodata: of all parts, whatever they state; None: as they state, which has to be the same.
        ratio: number by which the stored values are multiplied, as float32; None: they are kept.
        colours: number of bands that are declared as colours; if that is all, none of them is alpha. GDAL calls the
            fourth of four 8-bit bands alpha by default, so that files of red, green, blue and
            infrared often say so.

    Raises:
        DataError: the parts differ in the number or type of their bands, or in nodata, or have complex numbers.
    """
    looks = []
    with open_raster(parts[0].path) as first:
        for part in parts:
            with open_raster(part.path) as raster:
                _require_same_bands(first, raster, nodata)
                looks.append(_Look.at(part, raster, path))
        root = _dataset(grid, crs or grid.crs)
        missing = first.nodatavals if nodata is None else [nodata] * first.count
        opaque = first.count == colours and ColorInterp.alpha in first.colorinterp
        covers, masked = _overlap(looks), None in missing and not opaque
        for band in first.indexes:
            element = _band(root, first, band, missing[band - 1], ratio)
            _text(element, "ColorInterp", _colour(first.colorinterp[band - 1], no_alpha=first.count == colours))
            seen_through = missing[band - 1] if covers or ratio is not None else None
            for look in looks:
                _source(element, look, first.dtypes[band - 1], str(band), ratio, nodata=seen_through,
                        masked=covers and masked)  # fmt: skip
        if None in missing:
            # A mask made from nodata would be wrong with GDAL 3.10 (findings/vrt_mask_of_nodata.sh).
            mask = ET.SubElement(ET.SubElement(root, "MaskBand"), "VRTRasterBand", dataType="Byte")
            for look in looks:
                if opaque:  # 255 wherever a part lies
                    _source(mask, look, first.dtypes[0], "1", ratio=0.0, offset=255)
                else:
                    _source(mask, look, "uint8", "mask,1", nodata=0 if covers else None)
    _save(root, path)


def write_stack(path: Path, grid: Grid, files: Mapping[str, Path], nodata: float | None) -> None:
    """Write rasters of one band each as one image; a coarser one is repeated to the pixels of the grid.

    Args:
        path: the VRT; refers to its parts relative to its folder.
        grid: of the image.
        files: by the name of the band, in order; all cover the extent of the grid.
        nodata: of all bands.

    Raises:
        DataError: a file has several bands or complex numbers, or the types differ.
    """
    root, dtype = _dataset(grid, grid.crs), ""
    for number, (name, file) in enumerate(files.items(), start=1):
        with open_raster(file) as raster:
            _require_type(raster)
            dtype = dtype or raster.dtypes[0]
            if raster.dtypes != (dtype,):
                raise DataError(f"{file}: has {raster.count} bands of {raster.dtypes[0]}; expected one of {dtype}")
            band = ET.SubElement(root, "VRTRasterBand", dataType=TYPES[dtype], band=str(number))
            _text(band, "Description", name)
            if nodata is not None:
                _text(band, "NoDataValue", repr(nodata))
            look = _Look.at(Part(file, 0, 0), raster, path)
            _source(band, look, dtype, "1", shown=(grid.width, grid.height))
    _save(root, path)


def _seen_from(folder: Path, file: Path) -> str:
    """Return the path of a file relative to a folder: as both are given, unless `..` would leave a linked folder."""
    relative = os.path.relpath(file, folder)
    if (folder / relative).resolve() == file.resolve():
        return relative
    return os.path.relpath(file.resolve(), folder.resolve())


def _overlap(looks: Sequence[_Look]) -> bool:
    """Return whether any two parts share a pixel."""
    places = [(look.part.column, look.part.row, *look.size) for look in looks]
    corners = np.array([(x + 0.5, y + 0.5, x + across - 0.5, y + down - 0.5) for x, y, across, down in places])
    centres = shapely.box(*corners.T)
    return len(shapely.STRtree(centres).query(centres, predicate="intersects")[0]) > len(looks)


def _save(root: ET.Element, path: Path) -> None:
    ET.indent(root)
    with atomic_path(path) as temporary:
        ET.ElementTree(root).write(temporary, encoding="utf-8")


def _require_type(raster: DatasetReader) -> None:
    if others := set(raster.dtypes) - TYPES.keys():
        raise DataError(
            f"{raster.name}: a mosaic of {', '.join(sorted(others))} is not supported; convert its parts to one of "
            f"{', '.join(TYPES)}: gdal_translate -ot"
        )


def _require_same_bands(first: DatasetReader, other: DatasetReader, nodata: float | None) -> None:
    _require_type(first)
    if first.dtypes != other.dtypes:
        found = [f"{raster.name} has {raster.count} of {', '.join(set(raster.dtypes))}" for raster in (first, other)]
        raise DataError(f"the bands of rasters of one layer differ: {'; '.join(found)}; convert them to one type")
    if nodata is None and repr(first.nodatavals) != repr(other.nodatavals):
        raise DataError(
            f"{first.name} and {other.name} have different nodata ({first.nodata} and {other.nodata}); declare the one "
            "that is meant (key nodata of the layer)"
        )


def _dataset(grid: Grid, crs: CRS) -> ET.Element:
    root = ET.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    _text(root, "SRS", crs.to_wkt())
    _text(root, "GeoTransform", ", ".join(repr(float(number)) for number in grid.transform.to_gdal()))
    return root


def _band(root: ET.Element, first: DatasetReader, band: int, nodata: float | None, ratio: float | None) -> ET.Element:
    stored = "float32" if ratio is not None else first.dtypes[band - 1]
    element = ET.SubElement(root, "VRTRasterBand", dataType=TYPES[stored], band=str(band))
    if text := first.descriptions[band - 1]:
        _text(element, "Description", text)
    if unit := first.units[band - 1]:
        _text(element, "UnitType", unit)
    if nodata is not None:
        _text(element, "NoDataValue", repr(nodata))
    if (scale := first.scales[band - 1]) != 1:
        _text(element, "Scale", repr(scale))
    if offset := first.offsets[band - 1]:
        _text(element, "Offset", repr(offset))
    return element


def _colour(colour: ColorInterp, *, no_alpha: bool) -> str:
    if no_alpha and colour == ColorInterp.alpha:
        return "Undefined"
    return {"grey": "Gray"}.get(colour.name, colour.name.capitalize())


def _source(
    band: ET.Element, look: _Look, dtype: str, index: str, ratio: float | None = None,
    offset: float = 0, shown: tuple[int, int] | None = None, nodata: float | None = None, masked: bool = False,
) -> None:  # fmt: skip
    """Add a source to a band: stored x ratio + offset, if given; `shown` is its size there, by default its own.

    What lies below is seen where a pixel is nodata, or masked; both are slower than a plain source.
    """
    plain = ratio is None and nodata is None and not masked
    source = ET.SubElement(band, "SimpleSource" if plain else "ComplexSource")
    width, height = look.size
    _text(source, "SourceFilename", look.file).set("relativeToVRT", "1")
    _text(source, "SourceBand", index)
    _element(
        source, "SourceProperties", RasterXSize=width, RasterYSize=height, DataType=TYPES[dtype],
        BlockXSize=look.block[1], BlockYSize=look.block[0],
    )  # fmt: skip
    _element(source, "SrcRect", xOff=0, yOff=0, xSize=width, ySize=height)
    across, down = shown or look.size
    _element(source, "DstRect", xOff=look.part.column, yOff=look.part.row, xSize=across, ySize=down)
    if ratio is not None:
        _text(source, "ScaleOffset", repr(offset))
        _text(source, "ScaleRatio", repr(ratio))
    if nodata is not None:
        _text(source, "NODATA", repr(nodata))
    if masked:
        _text(source, "UseMaskBand", "true")


def _element(parent: ET.Element, name: str, **attributes: object) -> None:
    ET.SubElement(parent, name, {key: str(value) for key, value in attributes.items()})


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = text
    return element

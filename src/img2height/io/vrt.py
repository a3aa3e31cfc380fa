"""Writes mosaics (VRT): many rasters as one, in place and without a copy of a pixel."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from img2height.errors import DataError
from img2height.io.atomic import atomic_path
from img2height.io.grid import Grid
from img2height.io.mosaic_parts import TYPES, Look, Part, needs_mask, overlap, require_same_bands, require_type
from img2height.io.rasters import open_raster


def write_mosaic(
    path: Path, grid: Grid, parts: Sequence[Part], *, crs: CRS | None = None, nodata: float | None = None,
    ratio: float | None = None, bands: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Write a mosaic; where no part lies, it is missing.

    It has the nodata of its parts, and a mask if one of them has a mask, or none has nodata.
    Descriptions, units, colours, scale and offset are those of the first part; `require_alike` compares the others.

    Args:
        path: the VRT; refers to its parts relative to its folder.
        grid: its grid; may differ from those of the parts, which may have none.
        parts: on the grid; of overlapping ones the last with a valid pixel is seen.
        crs: coordinate system, if it says more than that of the grid.
        nodata: of all parts, whatever they state; None: as they state, which has to be the same.
        ratio: number by which the stored values are multiplied, as float32; None: they are kept.
        bands: names of the bands of an image as declared, empty if they are not; None: not an image, names are not
            compared. If all bands are declared, none of them is alpha: GDAL calls the fourth of four 8-bit bands alpha
            by default, so that files of red, green, blue and infrared often say so.

    Raises:
        DataError: the parts differ in the number, type or names of their bands, or in nodata, or have complex numbers;
            or one has a mask and another only nodata, which is not declared.
    """
    looks = []
    with open_raster(parts[0].path) as first:
        for part in parts:
            with open_raster(part.path) as raster:
                require_same_bands(first, raster, nodata, bands)
                looks.append(Look.at(part, raster, path))
        root, no_alpha = _dataset(grid, crs or grid.crs), first.count == len(bands or ())
        missing = first.nodatavals if nodata is None else [nodata] * first.count
        covers, masked = overlap(looks), needs_mask(looks, missing, nodata)
        # Where masks replace nodata, its value is one like others, unless it was declared.
        counts = (covers or ratio is not None) and (nodata is not None or not any(look.masked for look in looks))
        # Masks made from a colour called alpha, or from another nodata than was declared, do not count.
        whole = [(no_alpha and look.by_alpha) or (nodata is not None and look.by_nodata) for look in looks]
        for band in first.indexes:
            element = _band(root, first, band, missing[band - 1], ratio)
            _text(element, "ColorInterp", _colour(first.colorinterp[band - 1], no_alpha=no_alpha))
            for look, valid in zip(looks, whole, strict=True):
                _source(element, look, first.dtypes[band - 1], str(band), ratio,
                        nodata=missing[band - 1] if counts else None,
                        masked=covers and masked and not valid)  # fmt: skip
        if masked:
            _mask(root, looks, whole, first.dtypes[0], covers=covers)
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
            require_type(raster)
            dtype = dtype or raster.dtypes[0]
            if raster.dtypes != (dtype,):
                raise DataError(f"{file}: has {raster.count} bands of {raster.dtypes[0]}; expected one of {dtype}")
            band = ET.SubElement(root, "VRTRasterBand", dataType=TYPES[dtype], band=str(number))
            _text(band, "Description", name)
            if nodata is not None:
                _text(band, "NoDataValue", repr(nodata))
            look = Look.at(Part(file, 0, 0), raster, path)
            _source(band, look, dtype, "1", shown=(grid.width, grid.height))
    _save(root, path)


def _mask(root: ET.Element, looks: Sequence[Look], whole: Sequence[bool], dtype: str, *, covers: bool) -> None:
    """Add the mask of a mosaic: 255 wherever a part lies whose own mask does not count, the masks of the others."""
    mask = ET.SubElement(ET.SubElement(root, "MaskBand"), "VRTRasterBand", dataType="Byte")
    for look, valid in zip(looks, whole, strict=True):
        if valid:
            _source(mask, look, dtype, "1", ratio=0.0, offset=255)
        else:
            _source(mask, look, "uint8", "mask,1", nodata=0 if covers else None)


def _save(root: ET.Element, path: Path) -> None:
    ET.indent(root)
    with atomic_path(path) as temporary:
        ET.ElementTree(root).write(temporary, encoding="utf-8")


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
    band: ET.Element, look: Look, dtype: str, index: str, ratio: float | None = None,
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

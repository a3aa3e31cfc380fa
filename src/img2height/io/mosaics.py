"""Refuses mosaics (VRT) whose parts do not mean the same by their numbers."""

from pathlib import Path
from typing import Any

from rasterio.io import DatasetReader

from img2height.errors import DataError
from img2height.io.parts import mosaicked, parts_of
from img2height.io.rasters import open_raster
from img2height.io.values import Scaling, vertical
from img2height.vocabulary.units import UNIT_OF

CONVERTED = ("<ScaleRatio>", "<PixelFunctionType>")  # the mosaic itself brings its parts to one scale


def require_alike(raster: DatasetReader, *, heights: bool) -> None:
    """Raise a DataError if the parts of a mosaic, at any depth, differ in what their numbers mean.

    GDAL copies the stored numbers of all parts; scale, offset and unit of the mosaic are those of one part, or none.

    Args:
        raster: open; one that is not a mosaic passes.
        heights: compare units and vertical systems too.
    """
    if raster.driver != "VRT":
        return
    parts_of(Path(raster.name))  # refuses parts in archives
    converted = any(word in Path(raster.name).read_text(encoding="utf-8", errors="replace") for word in CONVERTED)
    seen: dict[str, tuple[str, Any]] = {}  # by property, the file that states it first and its value
    rasters = [Path(raster.name), *mosaicked(Path(raster.name))]
    for path in rasters:
        with open_raster(path) as part:
            if path != rasters[0]:
                require_alike(part, heights=heights)
            if part.count != raster.count:  # one band of a stack
                continue
            stated = {} if converted else _scaling(part)
            stated |= _heights(part) if heights and path != rasters[0] else {}
        for name, value in stated.items():
            where, first = seen.setdefault(name, (part.name, value))
            if value != first:
                raise DataError(
                    f"{raster.name}: {where} and {part.name} differ in {name} ({_text(first)} and {_text(value)}), so "
                    "it mixes numbers of different meaning; convert its parts to one first (gdal_translate -unscale)"
                )


def _scaling(raster: DatasetReader) -> dict[str, Any]:
    found = Scaling.of(raster, raster.indexes)
    return {"scale": found.scales, "offset": found.offsets}


def _heights(raster: DatasetReader) -> dict[str, Any]:
    unit, system = raster.units[0] or "", vertical(raster.crs)
    return {"unit": UNIT_OF.get(unit.casefold(), unit), "vertical system": system.name if system else ""}


def _text(value: str | tuple[float, ...]) -> str:
    return value or "none" if isinstance(value, str) else " ".join(f"{number:g}" for number in value)

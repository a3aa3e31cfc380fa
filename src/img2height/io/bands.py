"""The names of the bands of an image: from their descriptions, wavelengths or colour interpretation."""

import logging
import re
from collections.abc import Sequence

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from img2height.errors import DataError

logger = logging.getLogger(__name__)

ALPHA = "alpha"
# Spellings of bands in descriptions, in several languages and with the names of Sentinel-2, compared word by word.
SPELLINGS = {
    "coastal": ("coastal", "b01"),
    "blue": ("blue", "blau", "bleu", "azul", "blauw", "b", "b02"),
    "green": ("green", "grün", "gruen", "vert", "verde", "groen", "g", "b03"),
    "red": ("red", "rot", "rouge", "rojo", "rosso", "rood", "r", "b04"),
    "re1": ("re1", "rededge1", "rededge071", "b05"),
    "re2": ("re2", "rededge2", "rededge075", "b06"),
    "re3": ("re3", "rededge3", "rededge078", "b07"),
    "nir": ("nir", "infrared", "infrarot", "infrarouge", "nearinfrared", "nahesinfrarot", "procheinfrarouge", "b08"),
    "nir08": ("nir08", "b8a"),
    "vapour": ("vapour", "vapor", "nir09", "b09"),
    "swir16": ("swir16", "b11"),
    "swir22": ("swir22", "b12"),
}
NAME_OF = {spelling: name for name, spellings in SPELLINGS.items() for spelling in spellings}
# Micrometres, from and up to, as used by satellites and aerial cameras.
WAVELENGTHS = {
    "coastal": (0.42, 0.452), "blue": (0.452, 0.52), "green": (0.52, 0.6), "red": (0.62, 0.69), "re1": (0.695, 0.72),
    "re2": (0.73, 0.755), "re3": (0.77, 0.79), "nir": (0.79, 0.854), "nir08": (0.854, 0.9), "vapour": (0.93, 0.96),
    "swir16": (1.55, 1.75), "swir22": (2.05, 2.4),
}  # fmt: skip
COLOURS = {
    ColorInterp.red: "red", ColorInterp.green: "green", ColorInterp.blue: "blue", ColorInterp.nir: "nir",
    ColorInterp.coastal: "coastal", ColorInterp.alpha: ALPHA,
}  # fmt: skip
DEFAULT = ["red", "green", "blue"]  # colours of a GeoTIFF of three or four bands of 8 bits


def stated_bands(raster: DatasetReader) -> list[str]:
    """Return the band names stated by a raster, `alpha` for an alpha band, empty if nothing is stated.

    Descriptions take precedence over wavelengths, and these over the colour interpretation: GeoTIFFs with three bands
    are red, green and blue by default. If any band has a description or wavelength, colours are ignored for all.
    """
    return _written(raster) or [COLOURS.get(use, "") for use in raster.colorinterp]


def declared_bands(raster: DatasetReader, declared: Sequence[str]) -> list[str]:
    """Return a name for each band of a raster, as stated, else as declared; `alpha` for an alpha band.

    Only names of known bands and declared ones count; the colours red, green and blue, the default of GeoTIFFs, do not.
    If all bands are declared, none of them is alpha.

    Args:
        raster: an open raster.
        declared: names of its bands in order, without an alpha band; none where nothing is declared.
    """
    stated = stated_bands(raster)
    if not declared:
        return stated
    if stated[:3] == DEFAULT and not _written(raster):
        stated[:3] = [""] * 3
    known, rest = {*SPELLINGS, *declared}, iter(declared)
    found = []
    for name in stated:
        if name == ALPHA and raster.count != len(declared):
            found.append(ALPHA)
        else:
            other = next(rest, "")
            found.append(name if name in known else other)
    return found


def named_bands(raster: DatasetReader, wanted: Sequence[str]) -> list[str]:
    """Return a name for each band of a raster, including all wanted ones.

    Bands without a stated name are taken in the order of the file, with a warning.

    Args:
        raster: an open raster.
        wanted: names of bands, in the order of a file that states none.

    Raises:
        DataError: a wanted band is missing, or two bands have its name.
    """
    stated = stated_bands(raster)
    missing = [band for band in wanted if band not in stated]
    if twice := [band for band in wanted if stated.count(band) > 1]:
        raise DataError(
            f"{raster.name}: {stated.count(twice[0])} bands are called {twice[0]}; describe each differently"
        )
    silent = [index for index, name in enumerate(stated) if not name]
    if not missing:
        return stated
    if len(missing) != len(silent):
        raise DataError(
            f"{raster.name}: needs the bands {', '.join(wanted)}, found {in_words(stated)}; describe the "
            f"bands by these names (rio edit-info --bidx 1 --description {wanted[0]}), or give a raster of "
            f"just these {len(wanted)}"
        )
    logger.warning("%s: does not state what its bands are; using %s", raster.name, ", ".join(missing))
    for index, name in zip(silent, missing, strict=True):
        stated[index] = name
    return stated


def in_words(names: Sequence[str]) -> str:
    """Return the names of bands as a text."""
    return ", ".join(name or "not stated" for name in names)


def _written(raster: DatasetReader) -> list[str]:
    """Return the names of bands by description or wavelength, `alpha` for an alpha band; empty if there is neither."""
    alpha = [use == ColorInterp.alpha for use in raster.colorinterp]
    names = [_described(text or "") or _by_wavelength(raster, band) for band, text in enumerate(raster.descriptions, 1)]
    found = [ALPHA if is_alpha else name for name, is_alpha in zip(names, alpha, strict=True)]
    return found if any(name for name, is_alpha in zip(names, alpha, strict=True) if not is_alpha) else []


def _described(text: str) -> str:
    """Return the band that a description means, or the description itself in lower case."""
    plain = re.sub(r"\b(red|near|proche|nahes)[\s_-]+(edge|infrared|infrarouge|infrarot)", r"\1\2", text.casefold())
    plain = re.sub(
        r"(rededge)[\s_-]+(\d)", r"\1\2", plain.replace("nahesinfrarot", "nir").replace("procheinfrarouge", "nir")
    )
    words = re.findall(r"\w+", plain.replace("_", " "))
    found = {NAME_OF[word] for word in words if word in NAME_OF and (len(word) > 1 or len(words) == 1)}
    return found.pop() if len(found) == 1 else text.strip().casefold().replace(" ", "_")


def _by_wavelength(raster: DatasetReader, band: int) -> str:
    """Return the band that a wavelength means; GDAL stores it in micrometres, ENVI with a unit."""
    tags = {key.casefold(): value for key, value in {**raster.tags(band), **raster.tags(band, ns="IMAGERY")}.items()}
    stated = tags.get("central_wavelength_um") or tags.get("wavelength")
    try:
        micrometres = float(stated) if stated else 0.0
    except ValueError:
        return ""
    micrometres /= 1000 if micrometres > 100 else 1  # nanometres
    return next((name for name, (low, high) in WAVELENGTHS.items() if low <= micrometres < high), "")

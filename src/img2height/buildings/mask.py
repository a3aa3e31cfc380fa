"""Building footprint masks from heights and colours, as in IM2HEIGHT (section III-D): elevated, and not green."""

from collections.abc import Sequence

import numpy as np
from rasterio.windows import Window

from img2height.buildings.regions import Reader, blocks_of, find_regions
from img2height.errors import DataError
from img2height.heights import is_valid
from img2height.settings.protocol import Buildings
from img2height.vocabulary.layers import MISSING

INDEX_BANDS = {"ndvi": ("nir", "red"), "vari": ("green", "red", "blue")}


def index_name(bands: Sequence[str]) -> str | None:
    """Return the vegetation index that the bands allow: `ndvi` if there is near infrared, else `vari`, or None."""
    return next((name for name, needed in INDEX_BANDS.items() if set(needed) <= set(bands)), None)


def vegetation_index(image: np.ndarray, bands: Sequence[str]) -> tuple[np.ndarray, str]:
    """Return a vegetation index, HxW float32 with NaN where it is undefined, and its name.

    NDVI = (NIR - R) / (NIR + R), or VARI = (G - R) / (G + R - B) of Gitelson et al. (2002),
    https://doi.org/10.1016/S0034-4257(01)00289-9

    Args:
        image: CxHxW, any number type, one unit for all bands.
        bands: the name of each band: red, green, blue, nir.

    Raises:
        DataError: the image and the list differ, or the bands do not allow an index.
    """
    if image.ndim != 3 or len(image) != len(bands):
        raise DataError(f"an image of shape {image.shape} does not have the bands {', '.join(bands)}; it must be CxHxW")
    name = index_name(bands)
    if name is None:
        raise DataError(
            f"no vegetation index for the bands {', '.join(bands)}; use nir and red, or red, green and blue"
        )
    first, red, *blue = (image[bands.index(band)].astype(np.float32) for band in INDEX_BANDS[name])
    divisor = first + red - (blue[0] if blue else 0)
    index = np.full(divisor.shape, np.nan, dtype=np.float32)
    return np.divide(first - red, divisor, out=index, where=divisor > 0), name


def elevated(height: np.ndarray, image: np.ndarray | None, bands: Sequence[str], settings: Buildings) -> np.ndarray:
    """Return which pixels are elevated and not vegetation, HxW uint8: 1, 0, 255 where the height is missing.

    Args:
        height: HxW heights above ground in metres, NaN or -9999 where missing.
        image: CxHxW on the same grid; None if no bands show vegetation, then only the height decides.
        bands: the name of each band of the image.
        settings: thresholds of height and vegetation.

    Raises:
        DataError: image and height differ in shape, or the bands do not allow an index.
    """
    valid = is_valid(height)
    building = valid & (height > settings.min_height_m)
    if image is not None:
        if image.shape[1:] != height.shape:
            raise DataError(
                f"the image has the shape {image.shape}, the heights {height.shape}; bring both to one grid"
            )
        index, name = vegetation_index(image, bands)
        building &= ~(index > {"ndvi": settings.ndvi_max, "vari": settings.vari_max}[name])
    return _with_missing(building, valid)


def probable(probability: np.ndarray) -> np.ndarray:
    """Return which pixels are building according to a method's probabilities, HxW uint8: 1, 0, 255 missing.

    Args:
        probability: HxW probability of a building, NaN or -9999 where missing; 0.5 or more is building.
    """
    valid = is_valid(probability)
    return _with_missing(valid & (probability >= 0.5), valid)


def cleaned(raw: Reader, shape: tuple[int, int], pixel_m2: float, settings: Buildings) -> Reader:
    """Return a reader of the cleaned mask of a block: small regions are removed, then small holes filled.

    Neighbours share an edge. Regions count as a whole, wherever the blocks are cut.

    Args:
        raw: reads the building pixels of a block, HxW uint8: 1, 0, 255 missing.
        shape: rows and columns of the whole raster.
        pixel_m2: area of a pixel.
        settings: the smallest region and the largest hole.
    """
    smallest, largest_hole = (round(area / pixel_m2, 6) for area in (settings.min_area_m2, settings.max_hole_m2))

    def large(block: Window) -> np.ndarray:
        building = raw(block) == 1
        return building & (regions.sizes(building, block) >= smallest)

    def footprint(block: Window) -> np.ndarray:
        building = large(block)
        return _with_missing(building | (holes.sizes(~building, block) <= largest_hole), raw(block) != MISSING)

    regions = find_regions(lambda block: raw(block) == 1, shape)
    holes = find_regions(lambda block: ~large(block), shape)
    return footprint


def footprint_mask(
    height: np.ndarray, image: np.ndarray | None, bands: Sequence[str], gsd_m: float, settings: Buildings
) -> np.ndarray:
    """Return the building mask, HxW uint8: 1 building, 0 other, 255 where the height is missing.

    Elevated, not vegetation, not small, then holes are filled, in the order of the paper. The paper states no
    thresholds; those of params.yaml are ours.

    Args:
        height: HxW heights above ground in metres, NaN or -9999 where missing.
        image: CxHxW on the same grid; None if no bands show vegetation, then only the height decides.
        bands: the name of each band of the image.
        gsd_m: ground sampling distance in metres.
        settings: thresholds, see `elevated` and `cleaned`.

    Raises:
        DataError: image and height differ in shape, or the bands do not allow an index.
    """
    raw = elevated(height, image, bands, settings)
    clean = cleaned(lambda block: raw[block.toslices()], raw.shape, gsd_m**2, settings)
    footprint = np.empty_like(raw)
    for block in blocks_of(raw.shape):
        footprint[block.toslices()] = clean(block)
    return footprint


def _with_missing(building: np.ndarray, valid: np.ndarray) -> np.ndarray:
    return np.where(valid, building.astype(np.uint8), np.uint8(MISSING))

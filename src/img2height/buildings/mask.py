"""Building footprints from heights and colours, as IM2HEIGHT (section III-D) describes: elevated, and not green."""

from collections.abc import Sequence

import numpy as np
from skimage.morphology import remove_small_holes, remove_small_objects

from img2height.errors import DataError
from img2height.scenes.heights import known

UNKNOWN = 255
INDEX_BANDS = {"ndvi": ("nir", "red"), "vari": ("green", "red", "blue")}


def index_name(bands: Sequence[str]) -> str | None:
    """Return the vegetation index that the bands allow: `ndvi` where there is near infrared, `vari`, or None."""
    return next((name for name, needed in INDEX_BANDS.items() if set(needed) <= set(bands)), None)


def vegetation_index(image: np.ndarray, bands: Sequence[str]) -> tuple[np.ndarray, str]:
    """Return a vegetation index, HxW float32 with NaN where it is undefined, and its name.

    NDVI = (NIR - R) / (NIR + R), or VARI = (G - R) / (G + R - B) of Gitelson et al. (2002),
    https://doi.org/10.1016/S0034-4257(01)00289-9

    Args:
        image: CxHxW, any number type, one unit for all bands.
        bands: what each band holds: red, green, blue, nir.

    Raises:
        DataError: the image and the list differ, or the bands allow no index.
    """
    if image.ndim != 3 or len(image) != len(bands):
        raise DataError(f"an image of shape {image.shape} does not have the bands {', '.join(bands)}; it must be CxHxW")
    name = index_name(bands)
    if name is None:
        raise DataError(f"bands {', '.join(bands)} allow no vegetation index; nir and red, or red, green and blue do")
    first, red, *blue = (image[bands.index(band)].astype(np.float32) for band in INDEX_BANDS[name])
    divisor = first + red - (blue[0] if blue else 0)
    index = np.full(divisor.shape, np.nan, dtype=np.float32)
    return np.divide(first - red, divisor, out=index, where=divisor > 0), name


def footprint_mask(
    height: np.ndarray,
    image: np.ndarray | None,
    bands: Sequence[str],
    gsd_m: float,
    *,
    min_height_m: float = 2.5,
    ndvi_max: float = 0.2,
    vari_max: float = 0.1,
    min_area_m2: float = 20.0,
    max_hole_m2: float = 10.0,
) -> np.ndarray:
    """Return the building footprints, HxW uint8: 1 building, 0 ground, 255 where the height is unknown.

    Elevated, not vegetation, not small, then holes filled, in the order of the paper; neighbours share an edge. The
    paper gives no thresholds: these are ours.

    Args:
        height: HxW heights above ground in metres, NaN or -9999 where unknown.
        image: CxHxW on the same grid; None where no bands tell vegetation, then height alone decides.
        bands: what each band of the image holds.
        gsd_m: ground sampling distance in metres.
        min_height_m: what is higher is elevated.
        ndvi_max: what is above is vegetation, where there is near infrared.
        vari_max: what is above is vegetation, elsewhere.
        min_area_m2: smaller regions are dropped.
        max_hole_m2: larger holes stay.

    Raises:
        DataError: image and height differ in shape, or the bands allow no index.
    """
    is_known = known(height)
    building = is_known & (height > min_height_m)
    if image is not None:
        if image.shape[1:] != height.shape:
            raise DataError(
                f"the image has the shape {image.shape}, the heights {height.shape}; bring both to one grid"
            )
        index, name = vegetation_index(image, bands)
        building &= ~(index > {"ndvi": ndvi_max, "vari": vari_max}[name])
    return _clean(building, is_known, gsd_m, min_area_m2, max_hole_m2)


def probable_mask(
    probability: np.ndarray, gsd_m: float, *, min_area_m2: float = 20.0, max_hole_m2: float = 10.0
) -> np.ndarray:
    """Return the footprints of a method that tells them, HxW uint8: 1 building, 0 ground, 255 unknown.

    Args:
        probability: HxW probability of a building, NaN or -9999 where unknown; a half or more is building.
        gsd_m: ground sampling distance in metres.
        min_area_m2: smaller regions are dropped.
        max_hole_m2: larger holes stay.
    """
    is_known = known(probability)
    return _clean(is_known & (probability >= 0.5), is_known, gsd_m, min_area_m2, max_hole_m2)


def _clean(
    building: np.ndarray, is_known: np.ndarray, gsd_m: float, min_area_m2: float, max_hole_m2: float
) -> np.ndarray:
    pixel_m2 = gsd_m**2
    smallest, largest_hole = round(min_area_m2 / pixel_m2, 6), round(max_hole_m2 / pixel_m2, 6)
    building = remove_small_objects(building, max_size=int(np.ceil(smallest)) - 1, connectivity=1)
    building = remove_small_holes(building, max_size=int(largest_hole), connectivity=1)
    return np.where(is_known, building.astype(np.uint8), np.uint8(UNKNOWN))

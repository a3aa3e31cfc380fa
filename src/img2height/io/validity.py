"""Where the pixels of a raster are known: by its masks, its alpha bands and its nodata."""

from collections.abc import Sequence

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window


def known_by_nodata(differ: np.ndarray, dtype: str, nodata: Sequence[float | None]) -> np.ndarray:
    """Return where pixels are known, HxW bool.

    A colour may be 0 or, of unsigned integers, the nodata value itself: such a pixel is unknown where all bands have
    it. Of other values one band is enough.

    Args:
        differ: where each band differs from its nodata, CxHxW bool.
        dtype: of the bands.
        nodata: their values.
    """
    colour = np.dtype(dtype).kind == "u" or not any(nodata)
    return differ.any(axis=0) if colour else differ.all(axis=0)


def known_pixels(raster: DatasetReader, indexes: Sequence[int], window: Window) -> np.ndarray:
    """Return where bands of a raster are known by its masks, its alpha bands and its nodata, HxW bool.

    Args:
        raster: an open raster.
        indexes: 1-based, of the bands that are looked at.
        window: of the raster.
    """
    masks = raster.read_masks(list(indexes), window=window) > 0  # C x H x W
    known = known_by_nodata(masks, raster.dtypes[0], [raster.nodatavals[i - 1] for i in indexes])
    # GDAL derives no mask from an alpha band of floating-point type, hence the bands themselves.
    alpha = [i for i, use in zip(raster.indexes, raster.colorinterp, strict=True) if use == ColorInterp.alpha]
    return known & (raster.read(alpha, window=window) > 0).all(axis=0) if alpha else known

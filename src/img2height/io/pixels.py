"""The one reader of images: values of bands, and the valid pixels according to the file.

Preparation, tiles, training and prediction read through it, so that they always agree about a pixel.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.rasters import decimation, reading
from img2height.io.values import Scaling, compression_error


class Pixels(NamedTuple):
    """The pixels of a window.

    Attributes:
        values: C x H x W as stored.
        valid: H x W bool.
    """

    values: np.ndarray
    valid: np.ndarray


class _View(NamedTuple):
    """What is read of a raster: a window, and the shape that it is decimated to, if any."""

    window: Window | None
    shape: tuple[int, int] | None

    def read(self, function: Callable[..., np.ndarray], indexes: list[int]) -> np.ndarray:
        """Return bands or masks, C x H x W, by `DatasetReader.read` or `read_masks`."""
        shape = None if self.shape is None else (len(indexes), *self.shape)
        return function(indexes, window=self.window, out_shape=shape, resampling=decimation(self.shape))


def read_pixels(
    raster: DatasetReader, indexes: Sequence[int], window: Window | None = None, nodata: float | None = None,
    shape: tuple[int, int] | None = None,
) -> Pixels:  # fmt: skip
    """Return bands of a window and where they are valid; a stated scale and offset are applied.

    A pixel is valid if the file's mask and every alpha band say so, no band is NaN or infinite, and it is not nodata: a
    valid colour may be 0 or, in unsigned integers, equal to the nodata value, so such a pixel is missing only if all
    bands have it. For other values one band is sufficient. Bands that are not read do not count. Nodata is a stored
    number, which lossy compression (LERC) may have changed by the stated error.

    Args:
        raster: an open raster.
        indexes: bands to read, from 1.
        window: of the raster; by default all of it.
        nodata: overrides the nodata value of the file.
        shape: rows and columns to decimate the window to, by the mean of the valid pixels; by default not at all.

    Raises:
        DataError: the file cannot be read, or its bands are of several types.
    """
    indexes = list(indexes)
    require_one_type(raster, indexes)
    view = _View(window, shape)
    with reading(raster.name):
        values = view.read(raster.read, indexes)
        valid = _stated(raster, indexes, view, values, nodata) & _alpha(raster, view, values.shape[1:])
    if values.dtype.kind not in "iub":
        valid &= np.isfinite(values).all(axis=0)
    scaling = Scaling.of(raster, indexes)
    return Pixels(values if scaling.is_none else scaling.apply(values).astype(np.float32), valid)


def require_one_type(raster: DatasetReader, indexes: Sequence[int]) -> None:
    """Raise a DataError unless bands, from 1, have one data type."""
    if len(types := {raster.dtypes[index - 1] for index in indexes}) > 1:
        raise DataError(
            f"{raster.name}: its bands have the data types {', '.join(sorted(types))}; convert them to one: "
            "gdal_translate -ot"
        )


def value_type(raster: DatasetReader, indexes: Sequence[int]) -> str:
    """Return the data type of the values of bands, from 1: float32 where a scale or offset is applied."""
    return raster.dtypes[indexes[0] - 1] if Scaling.of(raster, indexes).is_none else "float32"


def _stated(
    raster: DatasetReader, indexes: list[int], view: _View, values: np.ndarray, nodata: float | None
) -> np.ndarray:
    """Return where pixels are valid by mask and nodata, H x W bool; a mask of the file replaces its nodata."""
    flags = {index: set(raster.mask_flag_enums[index - 1]) for index in indexes}
    by_nodata = [index for index in indexes if flags[index] == {MaskFlags.nodata}]
    masked = [i for i in indexes if i not in by_nodata and not flags[i] & {MaskFlags.all_valid, MaskFlags.alpha}]
    missing = [raster.nodatavals[i - 1] if i in by_nodata else None for i in indexes]
    valid = _by_nodata(values, missing if nodata is None else [nodata] * len(indexes), compression_error(raster))
    if masked:
        shared = MaskFlags.per_dataset in flags[masked[0]]  # by all bands
        valid &= (view.read(raster.read_masks, masked[:1] if shared else masked) > 0).all(axis=0)
    return valid


def _by_nodata(values: np.ndarray, missing: Sequence[float | None], error: float) -> np.ndarray:
    """Return where pixels are valid, H x W bool.

    Args:
        values: C x H x W.
        missing: the value that means missing in each band; NaN and None for none.
        error: by how much lossy compression may have changed it.
    """
    differ = [
        np.ones(band.shape, bool) if value is None else band != value if not error else ~(np.abs(band - value) <= error)
        for band, value in zip(values, missing, strict=True)
    ]
    colour = values.dtype.kind == "u" or not any(missing)
    return (np.logical_or if colour else np.logical_and).reduce(differ)


def _alpha(raster: DatasetReader, view: _View, shape: tuple[int, ...]) -> np.ndarray:
    """Return where all alpha bands are above 0; GDAL makes no mask from floating-point alpha, or if there is nodata."""
    bands = [index for index, use in zip(raster.indexes, raster.colorinterp, strict=True) if use == ColorInterp.alpha]
    return np.all(view.read(raster.read, bands) > 0, axis=0) if bands else np.ones(shape, bool)

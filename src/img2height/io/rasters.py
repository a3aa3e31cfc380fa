"""Raster input and output; the only place with GDAL creation options.

A COG cannot be written block by block, so a raster is first a tiled scratch GeoTIFF and then copied to a COG.
"""

import contextlib
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError  # raised by a failed copy; rasterio has no public name for it
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.shutil import copy as gdal_copy
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.atomic import SUFFIX, atomic_path
from img2height.io.grid import BLOCK_PX, Grid
from img2height.vocabulary.layers import NODATA
from img2height.vocabulary.storage import Compression

# Chips may have no place of their own; where a place is needed, `require_system` refuses them by name.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)

CACHE_BYTES = 32 * 2**20
# MINISBLACK: otherwise GDAL takes the fourth of four 8-bit bands for alpha. Sparse: unwritten blocks take no space.
SCRATCH_OPTIONS = {
    "tiled": True,
    "blockxsize": BLOCK_PX,
    "blockysize": BLOCK_PX,
    "bigtiff": "IF_SAFER",
    "photometric": "MINISBLACK",
    "sparse_ok": True,
}
COG_OPTIONS = {"BLOCKSIZE": BLOCK_PX, "PREDICTOR": "YES", "BIGTIFF": "IF_SAFER"}
# Heights at level 1 are 3 % larger than at GDAL's default of 9, and written in a third of the time.
LEVELS: dict[Compression, dict[str, int]] = {"zstd": {"LEVEL": 1}, "deflate": {}}


@dataclass(frozen=True)
class Band:
    """The content of one band: a description (quantity or colour) and its unit (`metre`, `1`, or empty)."""

    description: str
    unit: str = ""


def height_band(quantity: str) -> Band:
    """Return the band of a height map, e.g. `ndsm`, in metres."""
    return Band(quantity, "metre")


@contextlib.contextmanager
def open_raster(path: str | Path) -> Iterator[DatasetReader]:
    """Yield an open raster.

    Raises:
        DataError: the file is missing, truncated or not a raster.
    """
    if not Path(path).exists():
        raise DataError(f"{path}: this raster does not exist; check the path or make it first")
    with reading(path), rasterio.open(path) as dataset:
        yield dataset


@contextlib.contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Convert errors of GDAL to a DataError that names the file."""
    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        why = error.__cause__ or error
        raise DataError(f"{path}: cannot be read as a raster ({why}); it may be truncated: copy it again") from error


@contextlib.contextmanager
def bounded_cache() -> Iterator[None]:
    """Keep GDAL's block cache small inside: by default it may take a twentieth of the machine's memory."""
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
        yield


def read_heights(
    dataset: DatasetReader, window: Window | None = None, band: int | Sequence[int] = 1,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:  # fmt: skip
    """Return a band as float32, metres for heights, with NaN where the value is missing, HxW.

    Args:
        dataset: an open raster.
        window: of the raster; by default all of it.
        band: from 1; several are returned as CxHxW.
        shape: rows and columns to decimate the window to, by the mean of the valid pixels; by default not at all.
    """
    values = dataset.read(band, window=window, masked=True, out_shape=shape, resampling=decimation(shape))
    return values.astype(np.float32).filled(np.nan)


def decimation(shape: tuple[int, int] | None) -> Resampling:
    """Return the resampling of a window that is read at a shape: the mean, and nothing at full resolution."""
    return Resampling.nearest if shape is None else Resampling.average


@contextlib.contextmanager
def _writing(path: str | Path) -> Iterator[None]:
    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError) as error:
        raise DataError(f"{path}: could not be written ({error.__cause__ or error}); is the disk full?") from error


class Scratch:
    """A tiled GeoTIFF under construction, which remembers what was written.

    GDAL writes late and rasterio drops GDAL's final errors: on a full disk blocks would be missing unnoticed.

    Args:
        dataset: open for writing.
    """

    def __init__(self, dataset: DatasetWriter):
        self.dataset = dataset
        self._values: list[tuple[Window | None, int]] = []
        self._masks: list[tuple[Window | None, int]] = []

    def write(self, values: np.ndarray, window: Window | None = None) -> None:
        """Write HxW or CxHxW values of all bands; no pixel twice."""
        stack = np.ascontiguousarray(values.reshape(-1, *values.shape[-2:]), self.dataset.dtypes[0])  # C x H x W
        with _writing(self.dataset.name):
            self.dataset.write(stack, window=window)
        self._values.append((window, zlib.crc32(stack.data)))

    def write_mask(self, valid: np.ndarray, window: Window | None = None) -> None:
        """Write where the values are valid, HxW bool."""
        with _writing(self.dataset.name):
            self.dataset.write_mask(valid, window=window)
        self._masks.append((window, zlib.crc32((valid.astype(np.uint8) * np.uint8(255)).data)))

    def read_back(self) -> None:
        """Raise a DataError unless the closed file contains what was written."""
        with _writing(self.dataset.name), rasterio.open(self.dataset.name) as file:
            if any(zlib.crc32(file.read(window=window)) != digest for window, digest in self._values) or any(
                zlib.crc32(file.read_masks(1, window=window)) != digest for window, digest in self._masks
            ):
                raise OSError("it does not contain what was written")


@contextlib.contextmanager
def create_scratch(
    path: str | Path, grid: Grid, bands: Sequence[Band], dtype: str, nodata: float | None = None
) -> Iterator[Scratch]:
    """Yield a tiled GeoTIFF to write block by block; it is closed and read back at the end.

    Args:
        path: the file; the caller renames or copies it when it is complete.
        grid: the pixel grid.
        bands: one entry per band.
        dtype: numpy name of the pixel type.
        nodata: the value for missing.

    Raises:
        DataError: the file could not be written, for example because the disk is full.
    """
    with _writing(path):
        dataset = rasterio.open(
            path, "w", driver="GTiff", width=grid.width, height=grid.height, count=len(bands), dtype=dtype,
            crs=grid.crs, transform=grid.transform, nodata=nodata, **SCRATCH_OPTIONS,
        )  # fmt: skip
    scratch = Scratch(dataset)
    with dataset:
        for index, band in enumerate(bands, start=1):
            dataset.set_band_description(index, band.description)
            dataset.set_band_unit(index, band.unit)
        yield scratch
    scratch.read_back()


def set_tags(path: str | Path, tags: Mapping[str, str]) -> None:
    """Write texts about a whole raster into a scratch file, from which a COG takes them."""
    with _writing(path), rasterio.open(path, "r+") as file:
        file.update_tags(**tags)


def copy_to_cog(
    scratch: str | Path, path: str | Path, *, categorical: bool = False, compress: Compression = "zstd"
) -> None:
    """Write a cloud-optimised GeoTIFF from a finished scratch raster.

    Args:
        scratch: any raster that GDAL reads.
        path: the COG; appears only when it is complete.
        categorical: overviews take the nearest class instead of an average.
        compress: lossless; zstd is smaller and quicker, deflate can be read by any program.

    Raises:
        DataError: the copy failed, for example because the disk is full.
    """
    resampling = "NEAREST" if categorical else "AVERAGE"
    with atomic_path(path) as temporary, _writing(path):
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            options = {**COG_OPTIONS, **LEVELS[compress], "OVERVIEW_RESAMPLING": resampling}
            gdal_copy(scratch, temporary, driver="COG", COMPRESS=compress.upper(), **options)
        with rasterio.open(temporary) as written:
            written.checksum(1)  # GDAL reports a full disk late; only a readable file is proof


def write_heights(
    path: Path, grid: Grid, bands: Sequence[Band], compute: Callable[[Window], np.ndarray],
    tags: Mapping[str, str] | None = None, compress: Compression = "zstd",
) -> None:  # fmt: skip
    """Write a COG of heights block by block, so that memory does not grow with the grid.

    Args:
        path: the COG; appears only when it is complete.
        grid: the pixel grid.
        bands: one entry per band.
        compute: returns HxW or CxHxW float32 metres of a block, NaN where missing.
        tags: texts about the whole raster.
        compress: see `copy_to_cog`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".scratch.", suffix=SUFFIX) as folder:
        scratch = Path(folder) / path.name
        with create_scratch(scratch, grid, bands, "float32", NODATA) as writer:
            for block in grid.blocks():
                heights_m = compute(block)
                writer.write(np.where(np.isfinite(heights_m), heights_m, np.float32(NODATA)), block)
        if tags:
            set_tags(scratch, tags)
        copy_to_cog(scratch, path, compress=compress)


def write_cog(
    path: str | Path, array: np.ndarray, grid: Grid, bands: Sequence[Band], *, nodata: float | None = None,
    valid: np.ndarray | None = None, categorical: bool = False,
) -> None:  # fmt: skip
    """Write an array that fits in memory as a COG.

    Args:
        path: the COG; appears only when it is complete.
        array: HxW or CxHxW.
        grid: the pixel grid.
        bands: one entry per band.
        nodata: the value for missing; it replaces NaN in the array.
        valid: HxW bool, becomes an internal mask: for images, where every value is possible.
        categorical: see `copy_to_cog`.
    """
    stack = array[None] if array.ndim == 2 else array  # C x H x W
    if nodata is not None and np.issubdtype(stack.dtype, np.floating):
        stack = np.where(np.isfinite(stack), stack, np.asarray(nodata, stack.dtype))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=Path(path).parent, prefix=".scratch.", suffix=SUFFIX) as folder:
        scratch = Path(folder) / "scratch.tif"
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            create_scratch(scratch, grid, bands, str(stack.dtype), nodata) as out,
        ):
            out.write(stack)
            if valid is not None:
                out.write_mask(valid)
        copy_to_cog(scratch, path, categorical=categorical)

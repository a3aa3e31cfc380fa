"""The finished strips of a prediction, one file per row of file blocks, from which a killed prediction resumes."""

import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.atomic import atomic_path
from img2height.io.grid import BLOCK_PX, Grid
from img2height.io.rasters import Band, bounded_cache, create_scratch, write_heights
from img2height.vocabulary.layers import NODATA

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Strips:
    """The strips of one raster in their folder.

    Attributes:
        folder: of one prediction only, see `resumable`.
        grid: of the raster.
        bands: one entry per band.
        left: first column of every strip.
        width: number of columns from there.
        tops: first row of each strip, ascending.
    """

    folder: Path
    grid: Grid
    bands: Sequence[Band]
    left: int
    width: int
    tops: Sequence[int]

    def path(self, top: int) -> Path:
        """Return the file of a strip."""
        return self.folder / f"{top}.npy"

    def missing(self) -> list[int]:
        """Return the first rows of the unfinished strips."""
        return [top for top in self.tops if not self.path(top).is_file()]

    def count(self) -> int:
        """Return the number of finished strips."""
        return len(self.tops) - len(self.missing())

    def save(self, top: int, pieces: Iterable[np.ndarray]) -> None:
        """Write a strip piece by piece, so that it need not fit in memory.

        Args:
            top: its first row.
            pieces: rows x bands x width float32 each, NaN where missing; all rows of the strip. They are modified.
        """
        rows = min(BLOCK_PX, self.grid.height - top)
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, len(self.bands), self.width)}
        with atomic_path(self.path(top)) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for piece in pieces:
                np.copyto(piece, NODATA, where=~np.isfinite(piece))
                file.write(np.ascontiguousarray(piece).data)

    def any_valid(self) -> bool:
        """Return whether any pixel of the finished strips is valid."""
        return any((np.load(self.path(top), mmap_mode="r") != NODATA).any() for top in self.tops)

    def write(self, out: Path) -> None:
        """Write the raster: a tiled GeoTIFF, float32, -9999 where missing.

        Raises:
            DataError: a strip is missing, or the raster cannot be written.
        """
        self._check()
        with (
            bounded_cache(),
            atomic_path(out) as temporary,
            create_scratch(temporary, self.grid, self.bands, "float32", NODATA) as file,
        ):
            for top in self.tops:
                strip = np.load(self.path(top), mmap_mode="r")  # rows x bands x width
                for first in range(-(self.left % BLOCK_PX), self.width, BLOCK_PX):  # file blocks, clipped at the sides
                    block = strip[:, :, max(first, 0) : first + BLOCK_PX].swapaxes(0, 1)  # bands x rows x columns
                    if (block != NODATA).any():  # empty blocks take no space
                        file.write(block, Window(self.left + max(first, 0), top, block.shape[2], block.shape[1]))

    def write_bands(self, bands: slice, out: Path, tags: Mapping[str, str] | None = None) -> None:
        """Write some bands as a COG, missing outside the area; for Args and Raises see `write`, bands count from 0."""
        self._check()
        write_heights(out, self.grid, self.bands[bands], lambda block: self._read(block)[bands], tags)

    def _check(self) -> None:
        if missing := self.missing():
            raise DataError(f"{self.folder}: {len(missing)} of {len(self.tops)} strips are missing; predict again")

    def _read(self, block: Window) -> np.ndarray:
        """Return the values of a block within one strip, bands x H x W float32, NaN where missing."""
        values = np.full((len(self.bands), block.height, block.width), np.nan, np.float32)
        top = block.row_off // BLOCK_PX * BLOCK_PX
        first, end = max(block.col_off, self.left), min(block.col_off + block.width, self.left + self.width)
        if top in self.tops and first < end:
            rows = np.s_[block.row_off - top : block.row_off - top + block.height]
            found = np.load(self.path(top), mmap_mode="r")[rows, :, first - self.left : end - self.left]
            part = np.where(found != NODATA, found, np.float32(np.nan)).swapaxes(0, 1)
            values[:, :, first - block.col_off : end - block.col_off] = part
        return values

    def remove(self) -> None:
        """Remove the folder, if it contains a strip."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

"""Tile pyramids of rasters of any size: each pixel is read once, and memory holds a few tiles per level."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from rasterio.windows import Window

from img2height.view.frame import TILE

SMALLER = 2  # levels after the first that is a single tile, for small screens and for zooming out
Reader = Callable[[Window], np.ndarray]


class Kind(NamedTuple):
    """How the pixels of a pyramid are treated.

    Attributes:
        missing: a missing pixel.
        halved: returns an array at half its rows and columns, from the valid pixels.
    """

    missing: np.ndarray
    halved: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Pyramid:
    """The tiles of a raster: level 0 has its pixels, each further level those of the one before at half the size.

    Attributes:
        width: columns of the raster.
        height: rows of the raster.
        kind: of its pixels.
    """

    width: int
    height: int
    kind: Kind

    @property
    def overview(self) -> int:
        """The first level that is a single tile."""
        return max(0, math.ceil(math.log2(max(self.width, self.height) / TILE)))

    def write(self, read: Reader, save: Callable[[str, np.ndarray], None]) -> np.ndarray:
        """Read the raster, save each tile under the name <level>-<column>-<row>, and return the overview.

        Args:
            read: returns the pixels of a window inside the raster, HxW or HxWxC.
            save: receives the name of a tile and its pixels, TILE x TILE, missing beyond the raster.
        """
        overview = tile = self._tile(self.overview, 0, 0, read, save)
        for level in range(self.overview + 1, self.overview + SMALLER + 1):
            whole = self._empty(2)
            whole[:TILE, :TILE] = tile
            save(f"{level}-0-0", tile := self.kind.halved(whole))
        return overview

    def _tile(
        self, level: int, column: int, row: int, read: Reader, save: Callable[[str, np.ndarray], None]
    ) -> np.ndarray:
        """Return a tile after saving it and all tiles below it."""
        side = TILE << level
        width, height = min(side, self.width - column * side), min(side, self.height - row * side)
        if width <= 0 or height <= 0:
            return self._empty(1)
        if level == 0:
            tile = self._empty(1)
            tile[:height, :width] = read(Window(column * TILE, row * TILE, width, height))
        else:
            whole = self._empty(2)
            for down in (0, 1):
                for right in (0, 1):
                    part = self._tile(level - 1, 2 * column + right, 2 * row + down, read, save)
                    whole[down * TILE : (down + 1) * TILE, right * TILE : (right + 1) * TILE] = part
            tile = self.kind.halved(whole)
        save(f"{level}-{column}-{row}", tile)
        return tile

    def _empty(self, tiles: int) -> np.ndarray:
        shape = (tiles * TILE, tiles * TILE, *self.kind.missing.shape)
        return np.broadcast_to(self.kind.missing, shape).copy()


def halved_heights(heights: np.ndarray) -> np.ndarray:
    """Return the mean of the valid heights of each 2 x 2 pixels, NaN where there is none."""
    valid = np.isfinite(heights)
    count = _sums(valid.astype(np.float32))
    total = _sums(np.where(valid, heights, np.float32(0)))
    return np.where(count > 0, total / np.maximum(count, 1), np.float32(np.nan))


def halved_picture(pixels: np.ndarray) -> np.ndarray:
    """Return the mean colour of the valid pixels of each 2 x 2 pixels, HxWx4 uint8; it is valid if one of them is."""
    valid = pixels[..., 3:] > 0
    count = _sums(valid.astype(np.float32))
    colours = _sums(np.where(valid, pixels[..., :3], 0).astype(np.float32)) / np.maximum(count, 1)
    return np.concatenate([np.rint(colours), 255 * (count > 0)], axis=-1).astype(np.uint8)


def _sums(array: np.ndarray) -> np.ndarray:
    """Return the sum of each 2 x 2 pixels."""
    return array[::2, ::2] + array[1::2, ::2] + array[::2, 1::2] + array[1::2, 1::2]


HEIGHTS = Kind(np.array(np.nan, np.float32), halved_heights)
PICTURE = Kind(np.zeros(4, np.uint8), halved_picture)

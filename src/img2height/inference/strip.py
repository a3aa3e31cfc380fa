"""The part of a prediction that is still in the making."""

from collections.abc import Iterator

import numpy as np

from img2height.rasters import BLOCK_PX


class Strip:
    """Adds up weighted windows; bands of whole file blocks leave at the top as soon as no window can reach them.

    It holds one window and one block of rows, whatever the height of the raster.

    Args:
        left: first column of the raster that any window reaches.
        width: columns from there.
        window_px: side of a window.
        bands: how many values a pixel has.
    """

    def __init__(self, left: int, width: int, window_px: int, bands: int = 1):
        self.left = left
        self.top = 0
        self.sums = np.zeros((BLOCK_PX + window_px, bands, width))
        self.known = np.zeros((BLOCK_PX + window_px, width), bool)

    def add(self, row: int, column: int, values: np.ndarray, weights: np.ndarray, known: np.ndarray) -> None:
        """Add one window.

        Args:
            row: its first row in the raster, less than a block below the top.
            column: its first column in the raster.
            values: bands x window_px x window_px.
            weights: window_px x window_px float64.
            known: window_px x window_px bool, where the image is known.
        """
        y, x = row - self.top, column - self.left
        rows, columns = slice(y, y + values.shape[1]), slice(x, x + values.shape[2])
        self.sums[rows, :, columns] += (weights * values).swapaxes(0, 1)
        self.known[rows, columns] = known

    def finished(self, row: int) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield what ends at or above a row: row, column, bands x BLOCK_PX x width float32 with NaN unknown.

        Rows of blocks without a known pixel are passed over.
        """
        while self.top + BLOCK_PX <= row:
            known = self.known[:BLOCK_PX]
            if known.any():
                values = self.sums[:BLOCK_PX].swapaxes(0, 1)
                yield self.top, self.left, np.where(known, values, np.nan).astype(np.float32)
            self._advance()

    def _advance(self) -> None:
        for buffer in (self.sums, self.known):
            kept = len(buffer) - BLOCK_PX
            buffer[:kept] = buffer[BLOCK_PX:]
            buffer[kept:] = 0
        self.top += BLOCK_PX

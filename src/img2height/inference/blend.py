"""Blends the windows of a prediction, row by row."""

from collections.abc import Iterator

import numpy as np

from img2height.io.grid import BLOCK_PX


class Blend:
    """Sums weighted windows, one row of windows after the other; rows that no further window reaches are returned.

    It holds the rows of one window, whatever the height of the raster.

    Args:
        top: first requested row; no window begins above.
        left: first column of the raster that any window reaches.
        width: number of columns from there.
        window_px: side of a window.
        bands: number of values per pixel.
    """

    def __init__(self, top: int, left: int, width: int, window_px: int, bands: int = 1):
        self.top, self.left = top, left
        self.sums = np.zeros((window_px, bands, width))
        self.valid = np.zeros((window_px, width), bool)

    def add(self, column: int, values: np.ndarray, weights: np.ndarray, valid: np.ndarray) -> None:
        """Add one window that begins in the top row.

        Args:
            column: its first column in the raster.
            values: bands x window_px x window_px.
            weights: window_px x window_px float64.
            valid: window_px x window_px bool, where the image is valid.
        """
        columns = slice(column - self.left, column - self.left + values.shape[2])
        self.sums[:, :, columns] += (weights * values).swapaxes(0, 1)
        self.valid[:, columns] = valid

    def finished(self, row: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield everything above a row, the new top: first row, and rows x bands x width float32, NaN missing.

        No piece crosses the border between two rows of file blocks.
        """
        while self.top < row:
            count = min(row - self.top, len(self.sums), BLOCK_PX - self.top % BLOCK_PX)
            values = self.sums[:count].astype(np.float32)
            np.copyto(values, np.nan, where=~self.valid[:count, None])
            yield self.top, values
            for buffer in (self.sums, self.valid):
                kept = len(buffer) - count
                buffer[:kept] = buffer[count:]
                buffer[kept:] = 0
            self.top += count

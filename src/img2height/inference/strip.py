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
    """

    def __init__(self, left: int, width: int, window_px: int):
        self.left = left
        self.top = 0
        self.sums = np.zeros((BLOCK_PX + window_px, width))
        self.known = np.zeros(self.sums.shape, bool)

    def add(self, row: int, column: int, heights_m: np.ndarray, weights: np.ndarray, known: np.ndarray) -> None:
        """Add one window.

        Args:
            row: its first row in the raster, less than a block below the top.
            column: its first column in the raster.
            heights_m: window_px x window_px float32.
            weights: window_px x window_px float64.
            known: window_px x window_px bool, where the image is known.
        """
        y, x = row - self.top, column - self.left
        place = np.s_[y : y + heights_m.shape[0], x : x + heights_m.shape[1]]
        self.sums[place] += weights * heights_m
        self.known[place] = known

    def finished(self, row: int) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield the bands that end at or above a row: row, column, BLOCK_PX x width float32 with NaN unknown.

        Bands without a known pixel are passed over.
        """
        while self.top + BLOCK_PX <= row:
            known = self.known[:BLOCK_PX]
            if known.any():
                yield self.top, self.left, np.where(known, self.sums[:BLOCK_PX], np.nan).astype(np.float32)
            self._advance()

    def _advance(self) -> None:
        for buffer in (self.sums, self.known):
            kept = len(buffer) - BLOCK_PX
            buffer[:kept] = buffer[BLOCK_PX:]
            buffer[kept:] = 0
        self.top += BLOCK_PX

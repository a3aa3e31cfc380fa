"""The location of a synthetic scene on the map: one cell per seed, so that no two overlap. Its imports are light."""

from typing import ClassVar

from img2height.settings.base import Settings


class SyntheticPlace(Settings):
    """Base of the settings of synthetic scenes: a square of pixels in EPSG:32633. Unknown keys are refused."""

    FIRST_CELL: ClassVar[tuple[float, float]]  # easting and northing of the corner of seed 0, in metres
    CELL_SIDE_M: ClassVar[float]
    ROW_OF_CELLS: ClassVar[int]

    size_px: int
    gsd_m: float
    seed: int

    @property
    def extent_m(self) -> float:
        """Width and height of the scene in metres."""
        return self.size_px * self.gsd_m

    @property
    def origin(self) -> tuple[float, float]:
        """Easting and northing of the north-west corner, in metres."""
        (east, north), (row, column) = self.FIRST_CELL, divmod(self.seed, self.ROW_OF_CELLS)
        return east + self.CELL_SIDE_M * column, north + self.CELL_SIDE_M * row

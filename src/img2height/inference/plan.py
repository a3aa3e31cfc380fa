"""What is predicted: the task, and the plan of its windows and strips on the grid of its images."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError, ModelError
from img2height.inference.network import Network, bands_of
from img2height.inference.strips import FOLDER, Strips
from img2height.inference.windows import WindowGrid
from img2height.io.grid import BLOCK_PX, Grid
from img2height.models.folder import LoadedModel


@dataclass(frozen=True)
class Plan:
    """The windows of a prediction and the strips that they give.

    Attributes:
        grid: all windows of the raster.
        places: those to predict, see `WindowGrid.touching`.
        strips: where the result goes.
        reach: columns from the left of the strips that windows reach, also beyond the raster.
        area: polygon in pixel coordinates; None is the whole raster.
    """

    grid: WindowGrid
    places: list[tuple[int, np.ndarray]]
    strips: Strips
    reach: int
    area: BaseGeometry | None


@dataclass(frozen=True)
class Task:
    """One raster to predict; the attributes are arguments of `predict_raster`."""

    model: LoadedModel
    inputs: Mapping[str, Path | Sequence[Path]]
    out: Path
    area: BaseGeometry | None = None
    window_px: int = 256
    overlap: float = 0.5
    batch_size: int | None = None
    precision: str = "float32"
    draws: int = 0
    seed: int = 0

    def settings(self) -> dict:
        """Return the plain values among the attributes, the area as a digest."""
        names = ("window_px", "overlap", "batch_size", "precision", "draws", "seed")
        area = hashlib.sha256(self.area.wkb).hexdigest() if self.area is not None else None
        return {name: getattr(self, name) for name in names} | {"area": area}

    def plan(self, raster: Grid) -> Plan:
        """Return windows and strips on the grid of the inputs.

        Raises:
            ModelError: the network cannot take such windows.
            DataError: the area, other than an empty one, holds no pixel.
        """
        multiple = self.model.recipe.tile_multiple
        if self.window_px % multiple:
            raise ModelError(f"window_px is {self.window_px}; the model needs a multiple of {multiple}")
        grid = WindowGrid.over(raster.shape, self.window_px, self.overlap, multiple)
        places = grid.touching(self.area)
        if not places and not self.area.is_empty:
            raise DataError(f"{self.out}: the area to predict holds no pixel of the image; check the area")
        left = min((int(grid.columns[columns[0]]) for _, columns in places), default=0)
        right = max((int(grid.columns[columns[-1]]) + self.window_px for _, columns in places), default=0)
        reached = [
            range(row // BLOCK_PX, -(-(row + self.window_px) // BLOCK_PX)) for row in grid.rows[[y for y, _ in places]]
        ]
        tops = [BLOCK_PX * n for n in sorted(set().union(*reached)) if BLOCK_PX * n < raster.height]
        folder = self.out.with_name(self.out.name + FOLDER)
        bands = bands_of(self.model, self.draws)
        strips = Strips(folder, raster, bands, left, min(right, raster.width) - left, tops)
        return Plan(grid, places, strips, right - left, self.area)

    def network(self, device: str, precision: str | None = None) -> Network:
        """Return the network on a device, in another precision where one is given."""
        return Network(
            self.model, device, self.window_px, batch_size=self.batch_size, precision=precision or self.precision,
            draws=self.draws, seed=self.seed,
        )  # fmt: skip

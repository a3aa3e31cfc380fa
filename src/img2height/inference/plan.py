"""An inference task, and the plan of its windows and strips on the grid of its scene."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError, ModelError
from img2height.inference.engines.choose import choose_engine
from img2height.inference.network import Network, bands_of
from img2height.inference.strips import Strips
from img2height.inference.windows import WindowGrid
from img2height.io.grid import BLOCK_PX
from img2height.models.folder import LoadedModel
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Inference


@dataclass(frozen=True)
class Plan:
    """The windows of a prediction and the strips that they produce.

    Attributes:
        grid: all windows of the scene.
        places: the windows to predict, see `WindowGrid.touching`.
        strips: the destination of the result.
        reach: columns, from the left of the strips, that windows reach, even beyond the scene.
        area: polygon in pixel coordinates; None is the whole scene.
    """

    grid: WindowGrid
    places: list[tuple[int, np.ndarray]]
    strips: Strips
    reach: int
    area: BaseGeometry | None

    def sample(self, count: int) -> list[tuple[int, int]]:
        """Return row and column of at most so many windows, evenly spaced among those to predict."""
        cells = [(y, x) for y, columns in self.places for x in columns]
        if not cells:
            return []
        chosen = np.unique(np.linspace(0, len(cells) - 1, count).round().astype(int))
        return [(int(self.grid.rows[cells[n][0]]), int(self.grid.columns[cells[n][1]])) for n in chosen]


@dataclass(frozen=True)
class Task:
    """One scene to predict with one model.

    Attributes:
        model: the model.
        scene: prepared, or given rasters.
        views: numbers of the views that the model uses.
        settings: windows, batches and engine.
        folder: of this prediction only; contains its record and the finished strips.
        area: polygon in pixel coordinates; None is the whole scene; if empty, all heights are missing.
        draws: number of predictions with active dropout, see `mean_and_spread`; 0 predicts once without dropout.
        seed: of the draws.
    """

    model: LoadedModel
    scene: Scene
    views: Sequence[int]
    settings: Inference
    folder: Path
    area: BaseGeometry | None = None
    draws: int = 0
    seed: int = 0

    def plan(self) -> Plan:
        """Return windows and strips on the grid of the scene.

        Raises:
            ModelError: the network does not accept such windows.
            DataError: the area is not empty but contains no pixel.
        """
        raster, window_px, multiple = self.scene.grid, self.settings.window_px, self.model.recipe.tile_multiple
        if window_px % multiple:
            raise ModelError(f"window_px is {window_px}; the model needs a multiple of {multiple}")
        grid = WindowGrid.over(raster.shape, window_px, self.settings.overlap, multiple)
        places = grid.touching(self.area)
        if not places and self.area is not None and not self.area.is_empty:
            raise DataError(f"scene {self.scene.name}: the area to predict contains none of its pixels; check the area")
        left = min((int(grid.columns[columns[0]]) for _, columns in places), default=0)
        right = max((int(grid.columns[columns[-1]]) + window_px for _, columns in places), default=0)
        rows = [int(grid.rows[y]) for y, _ in places]
        reached = {n for row in rows for n in range(row // BLOCK_PX, -(-(row + window_px) // BLOCK_PX))}
        tops = [BLOCK_PX * n for n in sorted(reached) if BLOCK_PX * n < raster.height]
        bands = bands_of(self.model, self.draws)
        strips = Strips(self.folder, raster, bands, left, min(right, raster.width) - left, tops)
        return Plan(grid, places, strips, right - left, self.area)

    def with_engine(self, devices: Sequence[str]) -> "Task":
        """Return the task with the engine that it will use, see `choose_engine`.

        Args:
            devices: torch's names.
        """
        engine = choose_engine(self.model, self.settings.engine, devices[0], self.draws)
        return replace(self, settings=self.settings.model_copy(update={"engine": engine}))

    def network(self, device: str) -> Network:
        """Return the network on a device."""
        return Network(self.model, device, self.settings, draws=self.draws, seed=self.seed)

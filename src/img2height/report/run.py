"""A finished experiment as the report sees it: what was run, and the files that it left."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas

from img2height.comparison.record import ExperimentScores
from img2height.errors import DataError
from img2height.report.tables.intervals import Uncertainty
from img2height.scenes.scene import Scene
from img2height.settings.experiment import Experiment
from img2height.settings.protocol import Params
from img2height.settings.recipe import Recipe
from img2height.tiles.areas import area_of
from img2height.tiles.buffers import buffer_of


@dataclass(frozen=True)
class MethodFiles:
    """What one method made, for the seed that is shown.

    Attributes:
        heights: predicted heights, one a scene.
        polygons: predicted buildings, one a scene.
        histories: history.csv, one a fold.
        tiles: tiles.parquet.
    """

    heights: list[Path]
    polygons: list[Path]
    histories: list[Path]
    tiles: Path


def method_files(
    methods: Sequence[str], scenes: Sequence[Scene], results: Sequence[Path], histories: Sequence[Path]
) -> dict[str, MethodFiles]:
    """Return the files of each method.

    Args:
        methods: their names.
        scenes: the evaluated scenes.
        results: the folder of each method's results, in the order of the methods.
        histories: history.csv, all folds of the first method, then of the second.

    Raises:
        DataError: there are more or fewer folders or histories than methods need.
    """
    folds, rest = divmod(len(histories), len(methods))
    if len(results) != len(methods) or rest:
        raise DataError(
            f"{len(results)} folders of results and {len(histories)} histories for {len(methods)} methods; give one "
            "folder a method, and as many histories of each"
        )
    return {
        method: MethodFiles(
            [folder / scene.name / "height.tif" for scene in scenes],
            [folder / scene.name / "buildings.parquet" for scene in scenes],
            list(histories[folds * place : folds * (place + 1)]),
            folder / "tiles.parquet",
        )
        for place, (method, folder) in enumerate(zip(methods, results, strict=True))
    }


@dataclass(frozen=True)
class Run:
    """What was run, and the files that it left.

    Attributes:
        experiment: its settings.
        params: the protocol with the experiment's changes.
        recipes: by method, with the experiment's changes.
        metrics: scores of the experiment.
        uncertainty: intervals and comparisons of the first seed.
        scenes: the evaluated scenes.
        sources: all scenes of the experiment, those of training too.
        areas: pixel areas of the folds (fold, part, dataset, scene, geometry).
        folds_figure: map of the folds, PNG.
        files: by method.
        code: digests of the code by program.

    Raises:
        DataError: a method has more or fewer histories than there are folds.
    """

    experiment: Experiment
    params: Params
    recipes: dict[str, Recipe]
    metrics: ExperimentScores
    uncertainty: Uncertainty
    scenes: list[Scene]
    sources: list[Scene]
    areas: geopandas.GeoDataFrame
    folds_figure: Path
    files: dict[str, MethodFiles]
    code: dict[str, str]

    def __post_init__(self):
        for method, files in self.files.items():
            if (found := len(files.histories)) != len(self.folds):
                raise DataError(f"{method}: {found} histories for {len(self.folds)} folds; give one a fold")

    @property
    def folds(self) -> list[int]:
        """The folds that were run, in the order of the experiment."""
        folds = self.experiment.folds
        return sorted(int(fold) for fold in self.areas["fold"].unique()) if folds == "all" else folds

    @property
    def leaks(self) -> bool:
        """Whether neighbours of the test tiles were trained on."""
        return self.params.split.strategy == "random"

    @property
    def buffer_m(self) -> float:
        """Distance that parts keep from each other in metres."""
        return buffer_of(self.params.split, self.sources, self.params.tiling.tile_px)

    @property
    def ground_km2(self) -> float:
        """Test ground of all scenes in square kilometres."""
        areas = [area_of(self.areas, "test", item.dataset, item.name).area * item.grid.gsd_m**2 for item in self.scenes]
        return sum(areas) / 1e6

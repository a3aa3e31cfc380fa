"""A finished experiment: settings, scores and files."""

from dataclasses import dataclass
from pathlib import Path

import geopandas

from img2height.comparison.record import ExperimentScores
from img2height.errors import DataError
from img2height.io.origins import PretrainedEncoder
from img2height.report.tables.intervals import Uncertainty
from img2height.scenes.scene import Scene
from img2height.scoring.method import Predicted
from img2height.settings.dataset import About
from img2height.settings.experiment import Experiment
from img2height.settings.protocol import Params
from img2height.settings.recipe import Recipe
from img2height.tiles.areas import area_of
from img2height.tiles.buffers import buffer_of


@dataclass(frozen=True)
class MethodFiles:
    """The files of one method, for the seed that is shown.

    Attributes:
        predicted: for each evaluated scene.
        histories: history.csv by fold.
        tiles: tiles.parquet.
    """

    predicted: list[Predicted]
    histories: dict[int, Path]
    tiles: Path

    def of(self, dataset: str, scene: str) -> Predicted:
        """Return the predictions of a scene."""
        return next(one for one in self.predicted if (one.scene.dataset, one.scene.name) == (dataset, scene))


@dataclass(frozen=True)
class Run:
    """A finished experiment.

    Attributes:
        experiment: its settings.
        params: the protocol with the experiment's changes.
        recipes: by method, with the experiment's changes.
        metrics: scores of the experiment.
        uncertainty: intervals and comparisons of the first seed.
        scenes: the evaluated scenes.
        sources: all scenes of the experiment, including those for training.
        about: the origin of their datasets, by name.
        areas: pixel areas of the folds (fold, part, dataset, scene, geometry).
        folds_figure: map of the folds, PNG.
        files: by method.
        code: digest of the code of each program.
        unrecorded: by method, the weights that it started from whose training areas are not recorded.
        pretrained: by method, the origin of the weights that its encoder started from.

    Raises:
        DataError: files of a method, a scene or a fold are missing.
    """

    experiment: Experiment
    params: Params
    recipes: dict[str, Recipe]
    metrics: ExperimentScores
    uncertainty: Uncertainty
    scenes: list[Scene]
    sources: list[Scene]
    about: dict[str, About]
    areas: geopandas.GeoDataFrame
    folds_figure: Path
    files: dict[str, MethodFiles]
    code: dict[str, str]
    unrecorded: dict[str, list[str]]
    pretrained: dict[str, PretrainedEncoder]

    def __post_init__(self) -> None:
        scenes = {f"{scene.dataset}/{scene.name}" for scene in self.scenes}
        for method in self.recipes:
            files = self.files.get(method, MethodFiles([], {}, Path()))
            lacking = sorted(scenes - {one.name for one in files.predicted})
            lacking += [f"fold {fold}" for fold in self.folds if fold not in files.histories]
            if lacking:
                raise DataError(f"files of {method} are missing for {', '.join(lacking)}; pass those of every method")

    @property
    def folds(self) -> list[int]:
        """The folds that were run, in the order of the experiment."""
        folds = self.experiment.folds
        return sorted(int(fold) for fold in self.areas["fold"].unique()) if folds == "all" else folds

    @property
    def leaks(self) -> bool:
        """Whether neighbours of the test tiles were used for training."""
        return self.params.split.strategy == "random"

    @property
    def buffer_m(self) -> float:
        """Distance between the parts of the split in metres."""
        return buffer_of(self.params.split, self.sources, self.params.tiling.tile_px)

    @property
    def test_area_km2(self) -> float:
        """Test area of all scenes in square kilometres."""
        areas = [area_of(self.areas, "test", item.dataset, item.name).area * item.grid.gsd_m**2 for item in self.scenes]
        return sum(areas) / 1e6

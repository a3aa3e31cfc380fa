"""The definition of one training, and checks before it starts."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import pandas

from img2height.io.atomic import file_digest
from img2height.models.fitted import part_tiles
from img2height.models.folder import WEIGHTS
from img2height.provenance.digest import code_digest
from img2height.samples.alike import layer_types, scenes_of
from img2height.samples.normalise import Normalisation
from img2height.samples.reader import TileReader, spread
from img2height.scenes.scene import Scene
from img2height.settings.installed import network_modules
from img2height.settings.protocol import Training
from img2height.settings.recipe import Recipe
from img2height.training.precision import precision_of
from img2height.vocabulary.layers import INITIAL, VIEWS, is_view


@dataclass(frozen=True)
class TrainingJob:
    """The definition of one training.

    Attributes:
        method: name of the method.
        recipe: its recipe.
        training: the budget.
        fold: number of the fold.
        seed: of weights and steps.
        samples: the sample table of this method, fold and seed.
        tiles: the tiles of the fold: part, dataset, scene, col_off, row_off, size_px.
        scenes: the scenes of those tiles.
        areas: the areas of the parts of all folds: fold, part, dataset, scene, geometry in pixels.
    """

    method: str
    recipe: Recipe
    training: Training
    fold: int
    seed: int
    samples: pandas.DataFrame
    tiles: pandas.DataFrame
    scenes: list[Scene]
    areas: geopandas.GeoDataFrame

    def reader(self, unused: Sequence[str] = ()) -> TileReader:
        """Return a reader that has opened no file yet; it does not read the inputs in `unused`."""
        scenes = {(scene.dataset, scene.name): scene for scene in self.scenes}
        recipe = self.recipe
        return TileReader(scenes, recipe.inputs, recipe.target, recipe.classes, recipe.optional, unused)

    def part(self, part: str) -> pandas.DataFrame:
        """Return the tiles of one part; with views, each tile once per pair that the part uses."""
        return part_tiles(self.tiles, self.scenes, part, self.recipe)

    def trained_scenes(self) -> list[Scene]:
        """Return the scenes that are trained on."""
        return scenes_of(self.scenes, self.part("train"), "train")

    def validation_tiles(self) -> pandas.DataFrame:
        """Return the tiles to validate on, spread evenly over those of the part."""
        return spread(self.part("val"), self.training.val_tiles)

    def code(self) -> str:
        """Return the digest of the code that the training may run."""
        return code_digest("img2height.training.run", network_modules()[self.recipe.network])

    def digest(self) -> str:
        """Return a digest of everything that the result depends on, so that only the same training is resumed."""
        settings = [self.method, self.recipe.model_dump_json(), self.training.model_dump_json(), self.fold, self.seed]
        settings.append(precision_of(self.training))
        layers = [{name: layer.sha256 for name, layer in scene.layers.items()} for scene in self.scenes]
        starts = [Path(self.recipe.init_from) / WEIGHTS] if self.recipe.init_from else []
        if (weights := Path(str(self.recipe.options.get("weights", "none")))).is_file():
            starts.append(weights)
        start = [file_digest(path) for path in starts]
        digest = hashlib.sha256(json.dumps([settings, layers, self.code(), start], sort_keys=True).encode())
        for table in (self.samples, self.tiles.drop(columns="geometry", errors="ignore")):
            digest.update(table.to_csv(index=False).encode())
        return digest.hexdigest()[:16]


def check_layers(job: TrainingJob) -> None:
    """Raise a DataError if a layer that the job reads does not match the manifest of its scene."""
    read = {*job.recipe.inputs, *job.recipe.learnt_from}
    for scene in job.scenes:
        scene.check(n for n in scene.layers if n in read or (VIEWS in read and is_view(n)))


def pixel_types(job: TrainingJob) -> dict[str, str]:
    """Return the data type of each input layer in the scenes that are trained on; see `layer_types`."""
    return layer_types(job.recipe, job.trained_scenes())


def unused_inputs(job: TrainingJob, normalisation: Normalisation) -> list[str]:
    """Return the optional inputs that no training scene has, or that have no statistics.

    Args:
        job: the training.
        normalisation: of its inputs; the initial surface model needs no statistics.
    """
    there = [INITIAL] if any(INITIAL in scene.layers for scene in job.trained_scenes()) else []
    return [layer for layer in job.recipe.optional if layer not in (*normalisation.image, *there)]

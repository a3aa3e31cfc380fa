"""Optional inputs that are left out of training samples, so that a network learns every subset of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import compress

import numpy as np
import pandas

from img2height.io.tables import by_columns
from img2height.scenes.scene import Scene
from img2height.settings.recipe import Recipe
from img2height.vocabulary.layers import VIEWS
from img2height.vocabulary.tiles import SCENE


@dataclass(frozen=True)
class LeftOut:
    """The inputs that may be left out of a sample.

    Attributes:
        layers: by (dataset, scene), the optional layers that the scene has.
        least: number of them that are kept at least: 1 if all inputs are optional, else 0.
    """

    layers: Mapping[tuple[str, str], list[str]]
    least: int

    def draw(self, plan: pandas.DataFrame, rng: np.random.Generator) -> np.ndarray:
        """Return the layers to leave out of each row of a sample table, names separated by spaces.

        Each number of kept layers is equally likely, and so is each subset of that number: of four optional layers, a
        sample has one alone as often as it has all. Were each layer left out by itself, most samples would have several
        layers, and the hardest cases, a single one, would hardly be trained.
        """
        without = np.full(len(plan), "", object)
        for (dataset, scene), rows in by_columns(plan, SCENE):
            layers, count = self.layers[dataset, scene], len(rows)
            kept = rng.integers(min(self.least, len(layers)), len(layers) + 1, size=(count, 1))
            out = rng.random((count, len(layers))).argsort(axis=1) >= kept
            without[rows.index] = [" ".join(compress(layers, row)) for row in out]
        return without


def left_out_of(scenes: Iterable[Scene], recipe: Recipe) -> LeftOut | None:
    """Return the inputs that may be left out of the samples of a method; None if it leaves out none."""
    if not (recipe.optional and recipe.sampling.leave_out):
        return None
    layers = {
        (scene.dataset, scene.name): [
            layer for layer in recipe.optional if (scene.views if layer == VIEWS else layer in scene.layers)
        ]
        for scene in scenes
    }
    return LeftOut(layers, 0 if recipe.required else 1)

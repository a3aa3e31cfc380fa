"""Stereo pairs of a scene: which views are used together, and in which parts."""

from collections.abc import Sequence
from pathlib import Path

import pandas

from img2height.errors import DataError
from img2height.io.atomic import atomic_path
from img2height.io.tables import rows_of
from img2height.scenes.scene import Scene
from img2height.settings.dataset import Pair, used_pairs
from img2height.settings.recipe import Recipe
from img2height.vocabulary.layers import VIEWS
from img2height.vocabulary.parts import PARTS

PAIRS = "pairs.csv"


def write_pairs(pairs: Sequence[Pair], path: Path) -> None:
    """Write pairs.csv: pair (numbered from 1), first, second (numbers of views), train, val, test (1 where used)."""
    rows = [
        {"pair": number, "first": pair.first, "second": pair.second, **{part: int(part in pair.use) for part in PARTS}}
        for number, pair in enumerate(pairs, 1)
    ]
    with atomic_path(path) as temporary:
        pandas.DataFrame(rows).to_csv(temporary, index=False)


def read_pairs(scene: Scene, part: str, views: Sequence[str]) -> pandas.DataFrame:
    """Return the pairs that a part uses: pair, and the numbers of the views that a method needs.

    Args:
        scene: a prepared scene.
        part: train, val or test.
        views: `first` and `second`, or only `first`: then pairs that share their first view count once, and every view
            counts if the scene declares no pairs.

    Raises:
        DataError: the scene has no pair for this part.
    """
    pairs = []
    if "pairs" in scene.layers:
        rows = rows_of(pandas.read_csv(scene.path("pairs")))
        pairs = [Pair(first=r["first"], second=r["second"], use=[p for p in PARTS if r[p]]) for r in rows]
    used = used_pairs(pairs, part, views, len(scene.views))
    if not used:
        raise DataError(
            f"scene {scene.dataset}/{scene.name}: no pair of views is for {part}; add one to the dataset file, e.g. "
            f"pairs: [{{first: 1, second: 2, use: [{part}]}}]"
        )
    return pandas.DataFrame.from_dict(used, "index", columns=list(views)).rename_axis("pair").reset_index()


def pairs_of(scenes: Sequence[Scene], part: str, recipe: Recipe) -> pandas.DataFrame:
    """Return the pairs of several scenes with dataset and scene, for a method that uses views.

    A scene without views has one pair of number 0, whose views have the number 0, if the method can do without.
    """
    views, tables = recipe.inputs[VIEWS], []
    for scene in scenes:
        none = VIEWS in recipe.optional and not scene.views
        pairs = pandas.DataFrame([dict.fromkeys(["pair", *views], 0)]) if none else read_pairs(scene, part, views)
        tables.append(pairs.assign(dataset=scene.dataset, scene=scene.name))
    return pandas.concat(tables, ignore_index=True)


def views_together(scene: Scene, part: str, recipe: Recipe) -> list[list[int]]:
    """Return the numbers of the views with which a scene is predicted: each pair, or the first if views are optional.

    A single empty list for a method, or a scene, without views.
    """
    if VIEWS not in recipe.inputs or (VIEWS in recipe.optional and not scene.views):
        return [[]]
    views = recipe.inputs[VIEWS]
    together: list[list[int]] = read_pairs(scene, part, views)[views].to_numpy().tolist()
    return together if recipe.merged_views else together[:1]

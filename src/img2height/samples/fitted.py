"""The tiles on which normalisation statistics were fitted, and an audit of all models against the training tiles."""

import hashlib
from collections.abc import Sequence
from typing import Any, TypedDict

import pandas

from img2height.errors import TrainingError
from img2height.io.tables import by_columns
from img2height.samples.plan import pair_up
from img2height.samples.reader import FIT_TILES, spread
from img2height.scenes.pairs import pairs_of
from img2height.scenes.scene import Scene
from img2height.settings.parsing import parse
from img2height.settings.recipe import Recipe
from img2height.vocabulary.layers import VIEWS
from img2height.vocabulary.tiles import WINDOW


class FittedOn(TypedDict):
    """Number and SHA-256 digest of the windows on which statistics were fitted, as in a model card."""

    tiles: int
    sha256: str


def part_tiles(
    tiles: pandas.DataFrame, scenes: Sequence[Scene], part: str, views: Sequence[str] | None
) -> pandas.DataFrame:
    """Return the tiles of one part; with views, each tile once per pair that the part uses.

    Args:
        tiles: of one fold: part, dataset, scene, col_off, row_off, size_px.
        scenes: the scenes of those tiles.
        part: train, val or test.
        views: `first` and `second`, or only `first`, for methods that use views.
    """
    own = tiles[tiles["part"] == part]
    if not views or own.empty:
        return own
    names = set(zip(own["dataset"], own["scene"], strict=True))
    return pair_up(own, pairs_of([s for s in scenes if (s.dataset, s.name) in names], part, views))


def fit_tiles(tiles: pandas.DataFrame) -> pandas.DataFrame:
    """Return the training tiles for fitting statistics: few enough that huge trainings start quickly."""
    return spread(tiles, FIT_TILES)


def fitted_on(tiles: pandas.DataFrame) -> FittedOn:
    """Return number and SHA-256 digest of the windows on which statistics were fitted, for the model card."""
    columns = [name for name in (*WINDOW, "first", "second") if name in tiles]
    digest = hashlib.sha256(tiles[columns].to_csv(index=False).encode())
    return {"tiles": len(tiles), "sha256": digest.hexdigest()}


def audit_statistics(
    cards: Sequence[dict[str, Any]], folds: pandas.DataFrame, scenes: Sequence[Scene]
) -> dict[str, Any]:
    """Return which models have the statistics of their fold's training tiles, and which those of another model.

    Args:
        cards: the model cards of an experiment.
        folds: the tiles of its folds.
        scenes: its scenes.

    Raises:
        TrainingError: the statistics of a model were fitted on anything else.
    """
    fitted, brought, wrong = [], [], []
    for card in cards:
        name = f"{card['method']}, fold {card['fold']}, seed {card['seed']}"
        recipe = parse(Recipe, card["recipe"], f"card of {name}")
        found = card.get("fitted_on")
        views = recipe.inputs.get(VIEWS)
        by_fold = {
            int(fold): fitted_on(fit_tiles(part_tiles(own, scenes, "train", views)))
            for (fold,), own in by_columns(folds, ["fold"])
        }
        if found == by_fold.get(card["fold"]):
            fitted.append(name)
        elif recipe.init_from:
            brought.append({"model": name, "from": recipe.init_from, "fitted_on": found})
        else:
            wrong.append(f"{name}: {_found(found, by_fold)}")
    if wrong:
        raise TrainingError(
            f"{len(wrong)} models have statistics of other tiles than the training tiles of their fold: "
            f"{'; '.join(wrong)}; train them again"
        )
    return {"fitted": fitted, "brought": brought}


def _found(found: FittedOn | None, by_fold: dict[int, FittedOn]) -> str:
    if found is None:
        return "its card does not record on what they were fitted"
    if others := [fold for fold, expected in by_fold.items() if expected == found]:
        return f"they are those of the training tiles of fold {others[0]}"
    return f"they are of {found['tiles']} tiles with the digest {found['sha256'][:12]}"

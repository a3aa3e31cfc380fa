"""The tiles on which normalisation statistics are fitted."""

import hashlib
from collections.abc import Sequence

import pandas

from img2height.models.card import FittedOn
from img2height.samples.plan import pair_up
from img2height.samples.reader import FIT_TILES, spread
from img2height.scenes.pairs import pairs_of
from img2height.scenes.scene import Scene
from img2height.settings.recipe import Recipe
from img2height.vocabulary.layers import VIEWS
from img2height.vocabulary.tiles import WINDOW


def part_tiles(tiles: pandas.DataFrame, scenes: Sequence[Scene], part: str, recipe: Recipe) -> pandas.DataFrame:
    """Return the tiles of one part; with views, each tile once per pair that the part uses.

    Args:
        tiles: of one fold: part, dataset, scene, col_off, row_off, size_px.
        scenes: the scenes of those tiles.
        part: train, val or test.
        recipe: of the method.
    """
    own = tiles[tiles["part"] == part]
    if VIEWS not in recipe.inputs or own.empty:
        return own
    names = set(zip(own["dataset"], own["scene"], strict=True))
    return pair_up(own, pairs_of([s for s in scenes if (s.dataset, s.name) in names], part, recipe))


def fit_tiles(tiles: pandas.DataFrame) -> pandas.DataFrame:
    """Return the training tiles for fitting statistics: few enough that huge trainings start quickly."""
    return spread(tiles, FIT_TILES)


def fitted_on(tiles: pandas.DataFrame) -> FittedOn:
    """Return number and SHA-256 digest of the windows on which statistics were fitted, for the model card."""
    columns = [name for name in (*WINDOW, "first", "second") if name in tiles]
    digest = hashlib.sha256(tiles[columns].to_csv(index=False).encode())
    return FittedOn(tiles=len(tiles), sha256=digest.hexdigest())

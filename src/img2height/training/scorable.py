"""Checks before a training that its validation tiles have pixels by which the best weights can be chosen."""

from collections.abc import Sequence

import numpy as np

from img2height.errors import TrainingError
from img2height.io.tables import rows_of
from img2height.samples.reader import Tile
from img2height.settings.recipe import Recipe
from img2height.training.job import TrainingJob
from img2height.vocabulary.layers import PRESENT
from img2height.vocabulary.outputs import CLASSES, FOOTPRINT, HEIGHT
from img2height.vocabulary.quantities import QUANTITIES

BY_FOOTPRINTS = "footprint_error"


def require_scorable(job: TrainingJob, unused: Sequence[str]) -> None:
    """Raise a TrainingError if no validation pixel counts in the score that chooses the best weights.

    Args:
        job: the training.
        unused: optional inputs that are not read, see `unused_inputs`.
    """
    reader, seen = job.reader(unused), set[str]()
    for row in rows_of(job.validation_tiles()):
        tile = reader.read(row)
        reference = _reference(tile, job.recipe)
        if (tile.valid & reference).any():
            return
        seen |= {layer for layer, valid in tile.valids.items() if valid.any()}
        seen |= {_reference_layer(job.recipe)} if reference.any() else set()
    used = [*job.recipe.required] or [layer for layer in job.recipe.inputs if layer not in unused]
    raise TrainingError(
        f"fold {job.fold}: {_reason(job.recipe, used, seen)} in its validation tiles, so that no validation pixel can "
        f"be scored; validate elsewhere (roles, split){_other_score(job.recipe)}, or check these layers"
    )


def _reference(tile: Tile, recipe: Recipe) -> np.ndarray:
    """Return where a tile has a reference that makes the score a number, H x W bool."""
    if recipe.select == BY_FOOTPRINTS:
        return tile.classes[FOOTPRINT] == PRESENT
    return np.isfinite(tile.heights_m)


def _reference_layer(recipe: Recipe) -> str:
    return CLASSES[FOOTPRINT].layer if recipe.select == BY_FOOTPRINTS else QUANTITIES[recipe.target].learnt_from


def _reason(recipe: Recipe, used: list[str], seen: set[str]) -> str:
    """Return in words what is missing: a layer that is needed, all of the optional ones, or pixels in common."""
    layer = _reference_layer(recipe)
    if layer not in seen:
        return f"layer {layer} has no {'building' if recipe.select == BY_FOOTPRINTS else 'valid pixel'}"
    if lacking := [name for name in used if name not in seen]:
        return f"layer {' and layer '.join(lacking)} has no valid pixel"
    return f"layers {', '.join([*used, layer])} are nowhere valid together"


def _other_score(recipe: Recipe) -> str:
    able = recipe.select == BY_FOOTPRINTS and HEIGHT in recipe.outputs
    return " or by another score (select: rmse_m)" if able else ""

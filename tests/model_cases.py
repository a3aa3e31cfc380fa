"""Model cards for tests; a test gives only the values that it is about."""

from typing import Any

from img2height.methods import recipes_folder
from img2height.models.card import Budget, Card, SealedCard
from img2height.samples.normalise import Normalisation
from img2height.settings.parsing import parse
from img2height.settings.project import load_recipe
from img2height.settings.recipe import Recipe


def card_of(recipe: str | dict[str, Any] | Recipe, normalisation: Normalisation, **given: Any) -> Card:
    """Return the card of a model trained at 0.5 m with one thread, on bytes unless `dtypes` are given.

    Args:
        recipe: it, its content, or its name.
        normalisation: of the model.
        given: values of other keys.
    """
    if isinstance(recipe, str):
        recipe = load_recipe(recipes_folder(), recipe)
    elif isinstance(recipe, dict):
        recipe = parse(Recipe, recipe, "recipe")
    usual = {"method": recipe.network, "gsd_m": 0.5, "training": Budget(threads=1)}
    dtypes = dict.fromkeys(recipe.inputs, "uint8")
    return Card(recipe=recipe, normalisation=normalisation, **{**usual, "dtypes": dtypes, **given})


def sealed(card: Card, weights_sha256: str = "0" * 64) -> SealedCard:
    """Return a card as it is read from the folder of a model with these weights."""
    return SealedCard(**{name: getattr(card, name) for name in card.model_fields_set}, weights_sha256=weights_sha256)

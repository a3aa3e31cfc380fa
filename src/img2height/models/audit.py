"""Audit of finished models: fitted on the training tiles of their fold, and not trained on what they are tested on."""

from collections.abc import Sequence

import geopandas
import pandas

from img2height.errors import TrainingError
from img2height.io.origins import PretrainedEncoder
from img2height.io.records import Record
from img2height.io.tables import by_columns
from img2height.models.card import Card, FittedOn, TrainedOn
from img2height.models.fitted import fit_tiles, fitted_on, part_tiles
from img2height.models.trained import in_words, trained_m2
from img2height.scenes.scene import Scene


class Brought(Record):
    """A model whose statistics are those of the model that it started from.

    Attributes:
        model: method, fold and seed.
        init_from: folder of the other model.
        fitted_on: the tiles of the statistics; None if that was not recorded.
    """

    model: str
    init_from: str
    fitted_on: FittedOn | None


class ModelAudit(Record):
    """The findings on the models of an experiment: the content of statistics_audit.json.

    Attributes:
        fitted: the models with the statistics of the training tiles of their fold.
        brought: those with the statistics of another model.
        unrecorded: by method, the weights that it started from whose training areas were not recorded.
        validated_again_m2: by model and scene, validation area on which the starting model was trained: the best
            weights are chosen there.
        pretrained: by method, the origin of the weights that its encoder started from.
    """

    fitted: list[str]
    brought: list[Brought]
    unrecorded: dict[str, list[str]]
    validated_again_m2: dict[str, dict[str, float]]
    pretrained: dict[str, PretrainedEncoder]


def audit_models(
    cards: Sequence[Card], folds: pandas.DataFrame, scenes: Sequence[Scene], areas: geopandas.GeoDataFrame
) -> ModelAudit:
    """Return the findings on the models of an experiment.

    Args:
        cards: of the models.
        folds: the tiles of the folds, see `split_folds`.
        scenes: of the experiment.
        areas: the areas of the parts, see `split_folds`.

    Raises:
        TrainingError: the statistics of a model were fitted on other tiles, it is tested where it or a model that it
            started from was trained, or its card does not record it.
    """
    fitted, brought = _audit_statistics(cards, folds, scenes)
    for card in cards:
        _refuse_tested(card, scenes, areas)
    again = {card.title: trained_m2(_record(card).before, scenes, areas, "val", _fold(card)) for card in cards}
    return ModelAudit(
        fitted=fitted,
        brought=brought,
        unrecorded={card.method: found for card in cards if (found := _record(card).unrecorded)},
        validated_again_m2={name: found for name, found in again.items() if found},
        pretrained={card.method: card.pretrained for card in cards if card.pretrained},
    )


def _audit_statistics(
    cards: Sequence[Card], folds: pandas.DataFrame, scenes: Sequence[Scene]
) -> tuple[list[str], list[Brought]]:
    """Return which models have the statistics of their fold's training tiles, and which those of another model."""
    fitted, brought, wrong = [], [], []
    for card in cards:
        by_fold = {
            int(fold): fitted_on(fit_tiles(part_tiles(own, scenes, "train", card.recipe)))
            for (fold,), own in by_columns(folds, ["fold"])
        }
        if card.fitted_on == by_fold.get(_fold(card)):
            fitted.append(card.title)
        elif start := card.recipe.init_from:
            brought.append(Brought(model=card.title, init_from=start, fitted_on=card.fitted_on))
        else:
            wrong.append(f"{card.title}: {_found(card.fitted_on, by_fold)}")
    if wrong:
        raise TrainingError(
            f"{len(wrong)} models have statistics of other tiles than the training tiles of their fold: "
            f"{'; '.join(wrong)}; train them again"
        )
    return fitted, brought


def _found(found: FittedOn | None, by_fold: dict[int, FittedOn]) -> str:
    if found is None:
        return "its card does not record on what they were fitted"
    if others := [fold for fold, expected in by_fold.items() if expected == found]:
        return f"they are those of the training tiles of fold {others[0]}"
    return f"they are of {found.tiles} tiles with the digest {found.sha256[:12]}"


def _refuse_tested(card: Card, scenes: Sequence[Scene], areas: geopandas.GeoDataFrame) -> None:
    """Raise a TrainingError if a model is tested where it, or a model that it started from, was trained."""
    trained = _record(card)
    if found := trained_m2(trained.areas + trained.before, scenes, areas, "test", _fold(card)):
        raise TrainingError(
            f"{card.title}: it, or a model that it started from, was trained or validated on {in_words(found)} of its "
            "test area; train it again, from scratch or from a model of another place"
        )


def _record(card: Card) -> TrainedOn:
    if card.trained_on is None:
        raise TrainingError(f"{card.title}: its card does not say on which areas it was trained; train it again")
    return card.trained_on


def _fold(card: Card) -> int:
    if card.fold is None:
        raise TrainingError(f"{card.title}: it was imported, not trained in a fold of this experiment; train it")
    return card.fold

"""The tiles of the statistics and the areas of the training are on the card, and are checked against the folds."""

import geopandas
import pandas
import pytest
from model_cases import card_of

from img2height.errors import TrainingError
from img2height.methods import recipes_folder
from img2height.models.audit import audit_models
from img2height.models.card import TrainedOn
from img2height.models.fitted import fit_tiles, fitted_on
from img2height.samples.normalise import Normalisation
from img2height.samples.reader import FIT_TILES
from img2height.settings.project import load_recipe

UNET = load_recipe(recipes_folder(), "unet")
NORMALISATION = Normalisation({}, "metre", 0.0, 1.0)
NO_AREAS = geopandas.GeoDataFrame({"fold": [], "part": [], "dataset": [], "scene": []}, geometry=[])


@pytest.fixture
def folds():
    rows = [
        (fold, "train" if col // 100 != fold else "test", "d", "s", col, row, 64)
        for fold in (0, 1)
        for row in range(0, 64, 8)
        for col in range(0, 400, 5)
    ]
    return pandas.DataFrame(rows, columns=["fold", "part", "dataset", "scene", "col_off", "row_off", "size_px"])


def card(tiles, fold=0, **recipe):
    nothing = TrainedOn(areas=[], before=[], unrecorded=[])
    changed = UNET.model_copy(update=recipe)
    return card_of(changed, NORMALISATION, fold=fold, seed=0, fitted_on=fitted_on(tiles), trained_on=nothing)


def training(folds, fold=0):
    return folds[(folds["fold"] == fold) & (folds["part"] == "train")]


def refused(cards, folds, words):
    with pytest.raises(TrainingError, match=words):
        audit_models(cards, folds, [], NO_AREAS)


def test_statistics_of_the_training_tiles_pass(folds):
    cards = [card(fit_tiles(training(folds, fold)), fold) for fold in (0, 1)]
    assert cards[0].fitted_on.tiles == FIT_TILES
    assert cards[0].fitted_on != cards[1].fitted_on
    audit = audit_models(cards, folds, [], NO_AREAS)
    assert audit.model_dump() == {
        "fitted": ["unet, fold 0, seed 0", "unet, fold 1, seed 0"], "brought": [], "unrecorded": {},
        "validated_again_m2": {}, "pretrained": {},
    }  # fmt: skip


def test_statistics_of_any_other_tiles_are_refused(folds):
    own = fit_tiles(training(folds))
    refused([card(fit_tiles(folds[folds["fold"] == 0]))], folds, "1 models have statistics of other tiles")
    refused([card(fit_tiles(training(folds, 1)))], folds, "of the training tiles of fold 1")
    moved = own.assign(col_off=own["col_off"].where(own.index != own.index[7], own["col_off"] + 1))
    refused([card(own), card(moved)], folds, "unet, fold 0, seed 0: they are of 256 tiles")
    refused([card(own).model_copy(update={"fitted_on": None})], folds, "does not record")
    refused([card(own).model_copy(update={"fold": None})], folds, "it was imported, not trained in a fold")


def test_a_tile_that_left_the_training_area_makes_old_models_invalid(folds):
    made = card(fit_tiles(training(folds)))
    folds.loc[training(folds).index[0], "part"] = "val"
    refused([made], folds, "train them again")


def test_statistics_of_a_model_from_elsewhere_are_named(folds):
    elsewhere = card(folds.head(9), init_from="models/other")
    audit = audit_models([elsewhere], folds, [], NO_AREAS)
    (found,) = audit.brought
    assert (found.model, found.init_from) == ("unet, fold 0, seed 0", "models/other")
    assert found.fitted_on == elsewhere.fitted_on

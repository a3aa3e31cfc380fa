"""The card records the tiles on which statistics were fitted, and they are checked against the folds."""

import pandas
import pytest

from img2height.errors import TrainingError
from img2height.methods import recipes_folder
from img2height.samples.fitted import audit_statistics, fit_tiles, fitted_on
from img2height.samples.reader import FIT_TILES
from img2height.settings.project import load_recipe

UNET = load_recipe(recipes_folder(), "unet").model_dump(mode="json")


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
    return {"method": "unet", "fold": fold, "seed": 0, "recipe": UNET | recipe, "fitted_on": fitted_on(tiles)}


def training(folds, fold=0):
    return folds[(folds["fold"] == fold) & (folds["part"] == "train")]


def refused(cards, folds, words):
    with pytest.raises(TrainingError, match=words):
        audit_statistics(cards, folds, [])


def test_statistics_of_the_training_tiles_pass(folds):
    cards = [card(fit_tiles(training(folds, fold)), fold) for fold in (0, 1)]
    assert cards[0]["fitted_on"]["tiles"] == FIT_TILES
    assert cards[0]["fitted_on"] != cards[1]["fitted_on"]
    audit = audit_statistics(cards, folds, [])
    assert audit == {"fitted": ["unet, fold 0, seed 0", "unet, fold 1, seed 0"], "brought": []}


def test_statistics_of_any_other_tiles_are_refused(folds):
    own = fit_tiles(training(folds))
    refused([card(fit_tiles(folds[folds["fold"] == 0]))], folds, "1 models have statistics of other tiles")
    refused([card(fit_tiles(training(folds, 1)))], folds, "of the training tiles of fold 1")
    moved = own.assign(col_off=own["col_off"].where(own.index != own.index[7], own["col_off"] + 1))
    refused([card(own), card(moved)], folds, "unet, fold 0, seed 0: they are of 256 tiles")
    refused([card(own) | {"fitted_on": None}], folds, "does not record")


def test_a_tile_that_left_the_training_area_makes_old_models_invalid(folds):
    made = card(fit_tiles(training(folds)))
    folds.loc[training(folds).index[0], "part"] = "val"
    refused([made], folds, "train them again")


def test_statistics_of_a_model_from_elsewhere_are_named(folds):
    elsewhere = card(folds.head(9), init_from="models/other")
    audit = audit_statistics([elsewhere], folds, [])
    assert audit["brought"] == [
        {"model": "unet, fold 0, seed 0", "from": "models/other", "fitted_on": elsewhere["fitted_on"]}
    ]

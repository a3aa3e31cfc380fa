"""Where the data of a model come from is stated beside its card, so that a corrected licence trains nothing."""

from pathlib import Path

import pytest
from model_cases import card_of

from img2height.errors import ModelError
from img2height.models.card import Card, TrainedOn, UsedAreas, write_card
from img2height.models.sources import licences_of, read_sources, write_sources
from img2height.samples.normalise import Normalisation
from img2height.settings.dataset import About

WEIGHTS = "0" * 64


def about(licence: str) -> About:
    return About(title="t", source="s", licence=licence, vertical_reference="v")


def used(*datasets: str) -> list[UsedAreas]:
    return [UsedAreas(dataset=name, scene="s", grid={}, train="POLYGON EMPTY") for name in datasets]


def card(folder: Path, *areas: str, before: tuple[str, ...] = (), start: Path | None = None) -> Card:
    """Write and return the card of a model in a folder, which started from another one."""
    trained = TrainedOn(areas=used(*areas), before=used(*before), unrecorded=[])
    made = card_of("unet", Normalisation({}, "metre", 0.0, 1.0), trained_on=trained)
    made = made.model_copy(update={"recipe": made.recipe.model_copy(update={"init_from": start and str(start)})})
    write_card(made, WEIGHTS, folder / "card.json")
    return made


def describe(origin: dict[str, About], *folders: Path) -> None:
    write_sources({folder / "card.json": folder / "sources.json" for folder in folders}, origin)


def test_the_data_of_all_models_that_led_to_one_are_stated(tmp_path: Path) -> None:
    other, first, second = (tmp_path / name for name in ("other", "first", "second"))
    card(other, "town")
    describe({"town": about("CC BY-NC 4.0")}, other)
    card(first, "city", before=("town",), start=other)
    last = card(second, "city", "lake", before=("city", "town"), start=first)
    describe({"city": about("CC0-1.0"), "lake": about("CC BY 4.0")}, first, second)
    licences = licences_of(last, read_sources(second, WEIGHTS))
    assert licences == {"city": "CC0-1.0", "lake": "CC BY 4.0", "town": "CC BY-NC 4.0"}


def test_what_is_not_recorded_is_not_guessed(tmp_path: Path) -> None:
    assert licences_of(card(tmp_path, "town"), read_sources(tmp_path, WEIGHTS)) == {"town": None}


def test_an_altered_file_and_that_of_another_model_are_refused(tmp_path: Path) -> None:
    card(tmp_path, "town")
    describe({"town": about("CC BY-NC 4.0")}, tmp_path)
    with pytest.raises(ModelError, match="belongs to other weights"):
        read_sources(tmp_path, "1" * 64)
    file = tmp_path / "sources.json"
    file.write_text(file.read_text().replace("BY-NC", "BY"))
    with pytest.raises(ModelError, match="was altered"):
        read_sources(tmp_path, WEIGHTS)

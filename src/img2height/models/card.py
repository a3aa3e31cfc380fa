"""The model card, card.json: what a model is, what it was trained on, and the digest of its weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, field_serializer

from img2height.errors import DataError, ModelError, SettingsError
from img2height.io.origins import PretrainedEncoder
from img2height.io.records import Record
from img2height.io.tables import SEAL, read_sealed, write_sealed
from img2height.samples.normalise import Normalisation
from img2height.settings.parsing import parse
from img2height.settings.recipe import Recipe

CARD = "card.json"


class FittedOn(Record):
    """Number and SHA-256 digest of the windows on which statistics were fitted."""

    tiles: int
    sha256: str


class UsedAreas(Record):
    """The areas of one scene that a training used.

    Attributes:
        dataset: of the scene.
        scene: its name.
        grid: see `Grid.to_json`.
        train: the training area in pixel coordinates, WKT; None if there is none.
        val: the validation area, likewise.
        layers: SHA-256 digest of each layer of the scene; None in models of earlier versions.
    """

    dataset: str
    scene: str
    grid: dict[str, Any]
    train: str | None = None
    val: str | None = None
    layers: dict[str, str] | None = None


class TrainedOn(Record):
    """What weights were trained on.

    Attributes:
        areas: by the training itself.
        before: by the models that the training started from.
        unrecorded: what it started from whose areas were not recorded.
    """

    areas: list[UsedAreas]
    before: list[UsedAreas]
    unrecorded: list[str]


class Budget(BaseModel):
    """The settings of the training; a model is not refused because another version has other settings.

    Attributes:
        threads: compute threads on a CPU; other counts change the last digits of a prediction.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    threads: int


class Card(Record):
    """The description of a model. What only some models have is None if absent, and is not written.

    Attributes:
        method: its name.
        fold: number of the fold; None for an imported model, as are `seed`, `best` and `precision`.
        seed: of the training.
        recipe: as trained.
        normalisation: of inputs and heights; bands in the order of the recipe.
        gsd_m: pixel size of the training rasters, in metres.
        dtypes: data type of the training rasters by layer; None where it was not recorded.
        fitted_on: the tiles of the normalisation; None if that was not recorded.
        pretrained: origin of the weights that its encoder started from; None if all of them were random.
        trained_on: the areas of the training; None if an earlier version did not record them.
        tile_px: side of the training tiles in pixels.
        training: its settings.
        best: step and validation scores of the weights.
        precision: in which the training computed.
        trainable_parameters: their number.
        batchnorm_buffers: their number.
        imported_from: SHA-256 digests by file name; for imported models.
        code: digest of the code that the training could run; see `code_digest`.
        versions: of Python and libraries, by name.
    """

    method: str
    fold: int | None = None
    seed: int | None = None
    recipe: Recipe
    normalisation: Normalisation
    gsd_m: float
    dtypes: dict[str, str | None]
    fitted_on: FittedOn | None = None
    pretrained: PretrainedEncoder | None = None
    trained_on: TrainedOn | None = None
    tile_px: int | None = None
    training: Budget
    best: dict[str, int | float] | None = None
    precision: str | None = None
    trainable_parameters: int | None = None
    batchnorm_buffers: int | None = None
    imported_from: dict[str, str] | None = None
    code: str | None = None
    versions: dict[str, str] | None = None

    @property
    def title(self) -> str:
        """Method, fold and seed in words."""
        return f"{self.method}, fold {self.fold}, seed {self.seed}"

    @property
    def inputs(self) -> dict[str, list[str]]:
        """The bands by layer of the inputs that it can use: optional layers that no training scene had are left out."""
        recipe = self.recipe
        return {n: bands for n, bands in recipe.inputs.items() if n in recipe.required or n in self.dtypes}

    @field_serializer("recipe")
    def _whole_recipe(self, recipe: Recipe) -> dict[str, Any]:
        return recipe.model_dump(mode="json")  # with the defaults, which another version may change

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return self.model_dump(mode="json", exclude_unset=True)


class SealedCard(Card):
    """The card of a model folder.

    Attributes:
        weights_sha256: SHA-256 digest of the weights.
    """

    weights_sha256: str


def write_card(card: Card, weights_sha256: str, path: Path) -> None:
    """Write a card with the digest of its weights, and a seal over all of it."""
    write_sealed({**card.to_json(), "weights_sha256": weights_sha256}, path)


def read_card(path: Path) -> SealedCard:
    """Return the card in a file.

    Raises:
        ModelError: the file is missing, damaged, altered, or of a version with other keys.
    """
    try:
        value = read_sealed(path)
    except DataError as error:
        raise ModelError(f"{error}; copy the folder again or train the method again") from error
    try:
        card = parse(SealedCard, {key: item for key, item in value.items() if key != SEAL}, str(path))
    except SettingsError as error:
        raise ModelError(f"{error}; the card was made by another version: train the method again") from error
    return card.model_copy(update={"normalisation": _in_order(card.normalisation, card.recipe)})


def _in_order(normalisation: Normalisation, recipe: Recipe) -> Normalisation:
    """Return the statistics with the bands in the recipe's order, which JSON with sorted keys does not keep."""
    image = normalisation.image
    seen = {layer: bands for layer, bands in recipe.inputs.items() if layer in image}
    return replace(
        normalisation, image={layer: {band: image[layer][band] for band in bands} for layer, bands in seen.items()}
    )

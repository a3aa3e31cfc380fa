"""Model folders: weights as safetensors and a JSON card that describes them. Nothing is ever unpickled."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from img2height.errors import DataError, ModelError, SettingsError
from img2height.io.atomic import atomic_path, file_digest
from img2height.io.tables import read_sealed, write_sealed
from img2height.methods import build_network
from img2height.samples.normalise import Normalisation
from img2height.settings.parsing import parse
from img2height.settings.recipe import Recipe

WEIGHTS, LAST, CARD = "model.safetensors", "last.safetensors", "card.json"


@dataclass(frozen=True)
class LoadedModel:
    """A trained model, ready to predict.

    Attributes:
        network: in evaluation mode.
        normalisation: statistics of its training tiles.
        card: the content of its card.
    """

    network: nn.Module
    normalisation: Normalisation
    card: dict[str, Any]

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that it was trained with."""
        return parse(Recipe, self.card["recipe"], CARD)


def save_model(
    folder: Path,
    network: nn.Module,
    best: dict[str, Tensor],
    card: dict[str, Any],
    others: dict[str, Tensor] | None = None,
) -> None:
    """Write a model folder; the card is written last and contains the digest of the weights.

    Args:
        folder: created if it does not exist.
        network: the network with the weights at the end of the training.
        best: the weights for prediction, by name.
        card: plain values; `weights_sha256` is added.
        others: weights of a discriminator, stored with the last ones.

    Raises:
        ModelError: the weights could not be written, for example because the disk is full.
    """
    for name, weights in ((LAST, network.state_dict() | (others or {})), (WEIGHTS, best)):
        plain = {key: value.detach().cpu().contiguous() for key, value in weights.items()}
        try:
            with atomic_path(folder / name) as temporary:
                save_file(plain, temporary)
        except SafetensorError as error:
            raise ModelError(f"{folder / name}: could not be written ({error}); is the disk full?") from error
    write_sealed({**card, "weights_sha256": file_digest(folder / WEIGHTS)}, folder / CARD)


def load_model(folder: str | Path) -> LoadedModel:
    """Return the model of a folder, its network in evaluation mode on the CPU.

    Args:
        folder: contains model.safetensors and card.json.

    Raises:
        ModelError: a file is missing or was altered, or the weights do not fit the network named by the card.
    """
    folder = Path(folder)
    if missing := [name for name in (WEIGHTS, CARD) if not (folder / name).is_file()]:
        raise ModelError(f"{folder}: not a model folder, {' and '.join(missing)} not found; train the method first")
    card = _card(folder)
    if needed := {"recipe", "normalisation", "gsd_m", "dtypes", "weights_sha256"} - set(card):
        raise ModelError(f"{folder / CARD}: {', '.join(sorted(needed))} missing; train the method again")
    if (found := file_digest(folder / WEIGHTS)) != card["weights_sha256"]:
        raise ModelError(
            f"{folder / WEIGHTS}: was altered: its SHA-256 digest is {found}, the card has {card['weights_sha256']}; "
            "copy the folder again or train the method again"
        )
    recipe = _recipe(folder, card)
    bands = {layer: len(names) for layer, names in recipe.inputs.items()}
    own = {"weights": "none"} if "weights" in recipe.options else {}  # the model contains its encoder's weights
    network = build_network(recipe.network, bands, {**recipe.options, **own})
    _fill(network, folder / WEIGHTS, recipe.network)
    return LoadedModel(network.eval(), _normalisation(card["normalisation"], recipe), card)


def _card(folder: Path) -> dict[str, Any]:
    try:
        return read_sealed(folder / CARD)
    except DataError as error:
        raise ModelError(f"{error}; copy the folder again or train the method again") from error


def _recipe(folder: Path, card: dict[str, Any]) -> Recipe:
    try:
        return parse(Recipe, card["recipe"], str(folder / CARD))
    except SettingsError as error:
        raise ModelError(f"{error}; the card was made by another version: train the method again") from error


def _fill(network: nn.Module, weights: Path, name: str) -> None:
    try:
        network.load_state_dict(load_file(weights), strict=True)
    except (SafetensorError, RuntimeError) as error:
        what = " ".join(str(error).split())[:300]
        raise ModelError(f"{weights}: does not fit the network {name} ({what}); train the method again") from error


def _normalisation(value: dict[str, Any], recipe: Recipe) -> Normalisation:
    """Return the statistics with the bands in the recipe's order, which JSON with sorted keys does not keep."""
    seen = {layer: bands for layer, bands in recipe.inputs.items() if layer in value["image"]}
    ordered = {layer: {band: value["image"][layer][band] for band in bands} for layer, bands in seen.items()}
    return Normalisation.from_json({**value, "image": ordered})

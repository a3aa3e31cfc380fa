"""Model folders: weights as safetensors and a JSON card that describes them. Nothing is ever unpickled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from img2height.errors import ModelError
from img2height.io.atomic import atomic_path, file_digest
from img2height.methods import build_network
from img2height.models.card import CARD, Card, SealedCard, read_card, write_card
from img2height.models.sources import licences_of, read_sources
from img2height.samples.normalise import Normalisation
from img2height.settings.dataset import About
from img2height.settings.recipe import Recipe

WEIGHTS, LAST = "model.safetensors", "last.safetensors"


@dataclass(frozen=True)
class LoadedModel:
    """A trained model, ready to predict.

    Attributes:
        network: in evaluation mode.
        card: its description.
        sources: origin of the data that it was made from, see `read_sources`.
        folder: that it was read from; None for a model that was not.
    """

    network: nn.Module
    card: SealedCard
    sources: Mapping[str, About] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def recipe(self) -> Recipe:
        """The recipe that it was trained with."""
        return self.card.recipe

    @property
    def inputs(self) -> dict[str, list[str]]:
        """The bands by layer of the inputs that it can use; see `Card.inputs`."""
        return self.card.inputs

    @property
    def normalisation(self) -> Normalisation:
        """The statistics of its training tiles."""
        return self.card.normalisation

    @property
    def licences(self) -> dict[str, str | None]:
        """The licences of all that it was made from, see `licences_of`."""
        return licences_of(self.card, self.sources)


def save_model(
    folder: Path,
    network: nn.Module,
    best: dict[str, Tensor],
    card: Card,
    others: dict[str, Tensor] | None = None,
) -> None:
    """Write a model folder; the card is written last and contains the digest of the weights.

    Args:
        folder: created if it does not exist.
        network: the network with the weights at the end of the training.
        best: the weights for prediction, by name.
        card: the description of the model; the digest of the weights is added.
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
    write_card(card, file_digest(folder / WEIGHTS), folder / CARD)


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
    card = read_card(folder / CARD)
    if (found := file_digest(folder / WEIGHTS)) != card.weights_sha256:
        raise ModelError(
            f"{folder / WEIGHTS}: was altered: its SHA-256 digest is {found}, the card has {card.weights_sha256}; "
            "copy the folder again or train the method again"
        )
    recipe = card.recipe
    bands = {layer: len(names) for layer, names in recipe.inputs.items()}
    own = {"weights": "none"} if "weights" in recipe.options else {}  # the model contains its encoder's weights
    network = build_network(recipe.network, bands, {**recipe.options, **own})
    _fill(network, folder / WEIGHTS, recipe.network)
    return LoadedModel(network.eval(), card, read_sources(folder, card.weights_sha256), folder)


def without_network(card: Path) -> LoadedModel:
    """Return a model that predicts nothing, for callers who only read its inputs.

    Args:
        card: card.json of a model folder.

    Raises:
        ModelError: see `read_card`.
    """
    return LoadedModel(nn.Identity(), read_card(card))


def _fill(network: nn.Module, weights: Path, name: str) -> None:
    try:
        network.load_state_dict(load_file(weights), strict=True)
    except (SafetensorError, RuntimeError) as error:
        what = " ".join(str(error).split())[:300]
        raise ModelError(f"{weights}: does not fit the network {name} ({what}); train the method again") from error

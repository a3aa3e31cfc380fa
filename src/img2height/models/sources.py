"""sources.json of a model folder: origin and licence of the data that the weights were made from.

It is not in the model card: a corrected licence must reach whoever receives a model, but must not train it again.
"""

from collections.abc import Mapping
from pathlib import Path

from img2height.errors import DataError, ModelError, SettingsError
from img2height.io.records import Record
from img2height.io.tables import SEAL, read_sealed, write_sealed
from img2height.models.card import CARD, Card, TrainedOn, read_card
from img2height.settings.dataset import About
from img2height.settings.parsing import parse

SOURCES = "sources.json"


class Sources(Record):
    """The content of sources.json.

    Attributes:
        weights_sha256: digest of the weights of the model.
        datasets: origin by dataset; those of which it is not recorded are missing.
    """

    weights_sha256: str
    datasets: dict[str, About]


def licences_of(card: Card, sources: Mapping[str, About]) -> dict[str, str | None]:
    """Return the licences of all that weights were made from, by dataset and encoder; None if one is not recorded.

    Args:
        card: of the model.
        sources: see `read_sources`.
    """
    trained = card.trained_on or TrainedOn(areas=[], before=[], unrecorded=[])
    used = dict.fromkeys(area.dataset for area in trained.areas + trained.before)
    found = {name: sources[name].licence if name in sources else None for name in used}
    if card.pretrained:
        found[f"encoder {card.pretrained.encoder}"] = card.pretrained.licence
    return found | {name: None for name in trained.unrecorded if not card.pretrained}


def write_sources(files: Mapping[Path, Path], about: Mapping[str, About]) -> None:
    """Write sources.json of each model of an experiment.

    Args:
        files: sources.json to write, by card.json of the model.
        about: the origin of the datasets of the experiment, by name.
    """
    models = {path.parent: read_card(path) for path in files}
    for path, out in files.items():
        card = models[path.parent]
        found = Sources(weights_sha256=card.weights_sha256, datasets=_datasets(card, models, about))
        write_sealed(found.model_dump(mode="json"), out)


def _datasets(card: Card, models: Mapping[Path, Card], about: Mapping[str, About]) -> dict[str, About]:
    """Return the origin of the datasets of a model, and of those of the models that it started from."""
    before: dict[str, About] = {}
    if card.recipe.init_from:
        start = Path(card.recipe.init_from)
        here = models.get(start)
        before = _datasets(here, models, about) if here else _recorded(start)
    own = {used.dataset for used in (card.trained_on.areas if card.trained_on else [])}
    return before | {name: about[name] for name in sorted(own)}


def _recorded(folder: Path) -> dict[str, About]:
    return read_sources(folder, read_card(folder / CARD).weights_sha256)


def read_sources(folder: Path, weights_sha256: str) -> dict[str, About]:
    """Return the origin of the datasets of a model; empty if it is not recorded.

    Args:
        folder: of the model.
        weights_sha256: digest of its weights, from its card.

    Raises:
        ModelError: the file was altered, or belongs to other weights.
    """
    path = folder / SOURCES
    if not path.is_file():
        return {}
    try:
        found = parse(Sources, {key: item for key, item in read_sealed(path).items() if key != SEAL}, str(path))
    except (DataError, SettingsError) as error:
        raise ModelError(f"{error}; copy the folder again, or make the file again: snakemake -- models") from error
    if found.weights_sha256 != weights_sha256:
        raise ModelError(f"{path}: belongs to other weights than the card next to it; copy the folder again")
    return found.datasets

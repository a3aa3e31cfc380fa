"""Checks that the files of a folder are those that were recorded."""

from pathlib import Path

from img2height.errors import DataError, ModelError
from img2height.io.atomic import file_digest
from img2height.models.card import CARD, read_card
from img2height.models.folder import WEIGHTS
from img2height.scenes.scene import Scene


def verify(path: str | Path) -> list[str]:
    """Return the problems of a model folder or a scene folder, one sentence each; empty if nothing was changed.

    Args:
        path: a folder with card.json (a model) or scene.json (a scene).

    Raises:
        DataError: there is neither.
    """
    folder = Path(path)
    if (folder / CARD).is_file():
        return _model_problems(folder)
    if (folder / "scene.json").is_file():
        return _altered(_scene_files(folder))
    raise DataError(f"{folder}: has neither card.json nor scene.json; give the folder of a model or of a scene")


def _model_problems(folder: Path) -> list[str]:
    try:
        card = read_card(folder / CARD)
    except ModelError as error:
        return [str(error)]
    return _altered({folder / WEIGHTS: card.weights_sha256})


def _scene_files(folder: Path) -> dict[Path, str]:
    scene = Scene.load(folder / "scene.json")
    return {scene.folder / layer.file: layer.sha256 for layer in scene.layers.values()}


def _altered(expected: dict[Path, str]) -> list[str]:
    return [problem for file, digest in expected.items() if (problem := _check(file, digest))]


def _check(file: Path, expected: str) -> str | None:
    if not file.is_file():
        return f"{file} is missing"
    found = file_digest(file)
    return None if found == expected else f"{file} was altered: its SHA-256 digest is {found}, recorded is {expected}"

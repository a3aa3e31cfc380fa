"""The scenes of an experiment in one file, so that no command has to list a thousand of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas

from img2height.errors import DataError
from img2height.io.atomic import file_digest
from img2height.io.tables import read_json, write_json
from img2height.scenes.scene import Scene
from img2height.vocabulary.parts import Role


class ListedScene(NamedTuple):
    """A scene and its role in an experiment."""

    scene: Scene
    role: Role


def write_listing(scenes: Iterable[tuple[Path, Role]], path: Path) -> None:
    """Write manifest, role and SHA-256 digest of the manifest of each scene: the file changes when any scene does.

    Args:
        scenes: scene.json and role of each, in the order of the experiment.
        path: scenes.json.

    Raises:
        DataError: a scene has not been made.
    """
    listed = list(scenes)
    if missing := [file for file, _ in listed if not file.exists()]:
        raise DataError(f"{missing[0]}: this file does not exist; prepare the scene first")
    write_json([{"manifest": str(file), "role": role, "sha256": file_digest(file)} for file, role in listed], path)


def read_listing(path: Path) -> list[ListedScene]:
    """Return the scenes listed by `write_listing`, in its order."""
    return [ListedScene(Scene.load(row["manifest"]), row["role"]) for row in read_json(path)]


def all_scenes(path: Path) -> list[Scene]:
    """Return the scenes of a listing."""
    return [listed.scene for listed in read_listing(path)]


def tested_scenes(path: Path, areas: pandas.DataFrame) -> list[Scene]:
    """Return the scenes of a listing that have a test area in any fold.

    Args:
        path: scenes.json.
        areas: the table of areas made by `split_folds`.
    """
    ground = areas[areas["part"] == "test"]
    tested = set(zip(ground["dataset"], ground["scene"], strict=True))
    return [scene for scene in all_scenes(path) if (scene.dataset, scene.name) in tested]

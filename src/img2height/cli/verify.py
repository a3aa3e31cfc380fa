"""Checks that the files of a folder are those that were recorded."""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from img2height.conformal.calibration import CALIBRATION, read_calibration
from img2height.errors import DataError, ModelError
from img2height.familiarity.familiarity import familiarity_of
from img2height.io.atomic import file_digest
from img2height.models.card import CARD, read_card
from img2height.models.engines import read_engines
from img2height.models.folder import WEIGHTS
from img2height.models.sources import read_sources
from img2height.provenance.archive import archived_digests
from img2height.scenes.scene import Scene

CRATE = "crate.zip"


def verify(path: str | Path) -> list[str]:
    """Return the problems of recorded files, one sentence each; empty if nothing was changed.

    Args:
        path: a folder with card.json (a model), scene.json (a scene) or crate.zip (the results of an experiment, with
            its models and settings), or such an archive alone.

    Raises:
        DataError: there is none of them.
    """
    folder = Path(path)
    if (folder / CARD).is_file():
        return _model_problems(folder)
    if (folder / "scene.json").is_file():
        return _altered(_scene_files(folder))
    if folder.suffix == ".zip" and folder.is_file():
        return _archive_problems(folder)
    if (folder / CRATE).is_file():
        project = folder.resolve().parents[1]  # results/<experiment>
        return _altered({project / name: digest for name, digest in archived_digests(folder / CRATE).items()})
    raise DataError(
        f"{folder}: has no card.json, scene.json or {CRATE}; give the folder of a model or scene, or of results that "
        "were archived: snakemake --config experiment=<name> -- crate"
    )


def _archive_problems(path: Path) -> list[str]:
    try:
        with tempfile.TemporaryDirectory() as unpacked, zipfile.ZipFile(path) as archive:
            digests = archived_digests(path)
            archive.extractall(unpacked)
            return _altered({Path(unpacked) / name: digest for name, digest in digests.items()})
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        return [f"{path} was altered or is not complete: {error}"]


def _model_problems(folder: Path) -> list[str]:
    try:
        card = read_card(folder / CARD)
        read_sources(folder, card.weights_sha256)
    except ModelError as error:
        return [str(error)]
    return _altered({folder / WEIGHTS: card.weights_sha256}) + list(_learnt_problems(folder, card.weights_sha256))


def _learnt_problems(folder: Path, weights_sha256: str) -> Iterator[str]:
    """Yield what is wrong with what was measured of a model, which need not have it."""
    for read in (_read_calibration, familiarity_of, read_engines):
        try:
            read(folder, weights_sha256)
        except DataError as error:
            yield str(error)


def _read_calibration(folder: Path, weights_sha256: str) -> None:
    if (folder / CALIBRATION).is_file():
        read_calibration(folder / CALIBRATION, weights_sha256)


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

"""The origin of a dataset, about.json in its folder of scenes.

It is no part of a scene's manifest: a corrected title or licence changes what is stated about results, but no result.
"""

from collections.abc import Sequence
from pathlib import Path

from img2height.io.tables import read_json, write_json
from img2height.scenes.scene import Scene
from img2height.settings.dataset import About
from img2height.settings.parsing import parse

ABOUT = "about.json"


def write_about(about: About, path: Path) -> None:
    """Write about.json."""
    write_json(about.model_dump(mode="json"), path)


def read_about(path: Path) -> About:
    """Return the content of about.json.

    Raises:
        DataError: the file does not exist or is not JSON.
        SettingsError: its keys are not those of `About`.
    """
    return parse(About, read_json(path), str(path))


def read_abouts(paths: Sequence[Path]) -> dict[str, About]:
    """Return the origin of datasets by their names, which are those of the folders; raises what `read_about` does."""
    return {path.parent.name: read_about(path) for path in paths}


def about_of(scene: Scene) -> About:
    """Return the origin of a prepared scene; raises what `read_about` does."""
    return read_about(scene.folder.parent / ABOUT)

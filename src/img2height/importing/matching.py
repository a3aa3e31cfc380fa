"""Matches the names of delivered files with layers, scenes and tiles."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from img2height.errors import DataError, SettingsError
from img2height.importing.adapter import Declared, Pieces, Scene

SCENE = "scene"
CHIPS = 256  # on a sheet
MOSAICS = "img2height_mosaics"  # what an import makes; never part of a delivery
UMLAUTS = {ord(letter): f"{base}e" for letter, base in zip("äöü", "aou", strict=True)}
WHOLE = "all"  # a scene or piece whose pattern names none


def files_below(root: Path) -> Iterator[Path]:
    """Yield all files below a folder in the order of their names; links to folders are followed."""
    for folder, below, names in os.walk(root, followlinks=True):
        below[:] = sorted(name for name in below if not name.startswith(".") and name != MOSAICS)
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def by_patterns(
    patterns: Mapping[str, str], layers: Declared, *, whole: str = WHOLE, crs: str | None = None
) -> Callable[[Path], dict[str, Scene]]:
    """Return the `find` of an adapter: the scenes of `gather`.

    Args:
        patterns: see `gather`.
        layers: what the files do not state themselves.
        whole: name of the scene of patterns that name none.
        crs: coordinate system of files that state none.
    """

    def find(root: Path) -> dict[str, Scene]:
        found = gather(root, patterns).items()
        return {whole if name == WHOLE else name: Scene(pieces, layers, crs=crs) for name, pieces in found}

    return find


def gather(root: Path, patterns: Mapping[str, str]) -> dict[str, Pieces]:
    """Return the files of a folder by scene, piece and layer.

    Args:
        root: the folder.
        patterns: regular expression of each layer, which has to match the whole path below the folder, in small or
            capital letters. Its group `scene` names the scene; all other groups together name the piece.

    Raises:
        DataError: two files are the same layer of the same piece.
    """
    scenes: dict[str, Pieces] = {}
    compiled = {layer: re.compile(pattern, re.IGNORECASE) for layer, pattern in patterns.items()}
    for path in files_below(root):
        name = path.relative_to(root).as_posix()
        for layer, pattern in compiled.items():
            if (found := pattern.fullmatch(name)) is None:
                continue
            groups = {key: text for key, text in found.groupdict().items() if text}
            scene = as_name(groups.pop(SCENE, WHOLE))
            files = scenes.setdefault(scene, {}).setdefault("_".join(groups.values()) or WHOLE, {})
            if layer in files:
                raise DataError(
                    f"{files[layer]} and {path} are both layer {layer} of scene {scene}; remove one, or give a pattern "
                    "that matches only one"
                )
            files[layer] = path
    return dict(sorted(_shared(scenes).items()))


def _shared(scenes: dict[str, Pieces]) -> dict[str, Pieces]:
    """Return the scenes; files that name none, such as terrain of a whole country, belong to all with their piece."""
    if len(scenes) < 2 or WHOLE not in scenes:
        return scenes
    shared = scenes.pop(WHOLE)
    return {
        name: {piece: {**shared.get(piece, {}), **files} for piece, files in pieces.items()}
        for name, pieces in scenes.items()
    }


def in_sheets(pieces: Pieces) -> Iterator[tuple[int, Pieces]]:
    """Yield number and chips of sheets of at most `CHIPS` chips, in their order."""
    items = list(pieces.items())
    for number, start in enumerate(range(0, len(items), CHIPS)):
        yield number, dict(items[start : start + CHIPS])


def as_name(text: str) -> str:
    """Return a text as the name of a scene or dataset: small letters, digits and underscores."""
    plain = text.casefold().translate(UMLAUTS)
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:64] or WHOLE


def regular(pattern: str) -> str:
    """Return the regular expression of a file pattern: `*`, and `{name}` for a group of that name.

    A name that occurs twice stands for the same text.

    Raises:
        SettingsError: a name is not one.
    """
    seen: set[str] = set()
    expression = ""
    for part in re.split(r"(\*+|\{\w+\})", pattern):
        if part.startswith("{"):
            if not (name := part[1:-1]).isidentifier():
                raise SettingsError(f"{pattern}: {part} is not a name; begin it with a letter, e.g. {{tile}}")
            expression += f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)"
            seen.add(name)
        elif part.startswith("*"):
            expression += ".*" if part.startswith("**") else "[^/]*"
        else:
            expression += re.escape(part)
    return expression

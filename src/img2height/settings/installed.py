"""Finds networks, adapters, recipes and datasets of this package and of other installed packages that declare some.

Other packages declare theirs as entry points: `img2height.networks` and `img2height.adapters` name a module for each
network and adapter, `img2height.recipes` and `img2height.datasets` name packages whose YAML files are recipes or
dataset files. Nothing is imported to find them.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from img2height.errors import SettingsError

PACKAGE = "img2height"
ROOT = Path(__file__).parents[1]

Kind = Literal["recipes", "datasets"]
Found = TypeVar("Found", str, Path)


@cache
def network_modules() -> dict[str, str]:
    """Return the module of each network by its name.

    Raises:
        SettingsError: two packages have a network of the same name.
    """
    return _united("network", PACKAGE, _own_modules("methods"), _announced("networks"))


@cache
def adapter_modules() -> dict[str, str]:
    """Return the module of each adapter by its name.

    Raises:
        SettingsError: two packages have an adapter of the same name.
    """
    return _united("adapter", PACKAGE, _own_modules("adapters"), _announced("adapters"))


def _own_modules(folder: str) -> dict[str, str]:
    return {path.stem: f"{PACKAGE}.{folder}.{path.stem}" for path in sorted((ROOT / folder).glob("[!_]*.py"))}


def settings_files(folder: Path, kind: Kind) -> dict[str, Path]:
    """Return settings files by name: those of a folder, and those that other packages declare.

    Args:
        folder: a folder of this project.
        kind: the kind of files to take from other packages.

    Raises:
        SettingsError: a name occurs twice, or a declared folder does not exist.
    """
    own = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    others = (
        (path.stem, owner, path)
        for _, owner, package in _announced(kind)
        for path in sorted(_folder_of(package, owner).glob("*.yaml"))
    )
    return _united(kind.removesuffix("s"), str(folder), own, others)


def module_file(name: str) -> Path:
    """Return the file of a module by its dotted name, or of the `__init__` of a package; nothing is imported."""
    path = _path_of(name)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _announced(kind: str) -> tuple[tuple[str, str, str], ...]:
    """Return name, distribution and module of what other packages declare."""
    entries = sorted(importlib.metadata.entry_points(group=f"{PACKAGE}.{kind}"))
    owners = [f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value for entry in entries]
    return tuple((entry.name, owner, entry.module) for entry, owner in zip(entries, owners, strict=True))


def _united(kind: str, owner: str, own: dict[str, Found], others: Iterable[tuple[str, str, Found]]) -> dict[str, Found]:
    """Return what was found by name, or raise a SettingsError if a name occurs twice."""
    found, owners = dict(own), dict.fromkeys(own, owner)
    for name, other, value in others:
        if name in found:
            raise SettingsError(
                f"{kind} {name!r} is in {owners[name]} and in {other}; rename one, or uninstall the package"
            )
        found[name], owners[name] = value, other
    return found


def _folder_of(package: str, owner: str) -> Path:
    folder = _path_of(package)
    if not folder.is_dir():
        raise SettingsError(f"{owner} declares the folder {package}, which does not exist; install it again")
    return folder


@cache
def _path_of(name: str) -> Path:
    """Return the path of a module or package, a module without its suffix."""
    top, *rest = name.split(".")
    if top == PACKAGE:
        return ROOT.joinpath(*rest)
    spec = importlib.util.find_spec(top)
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).joinpath(*rest)
    if spec is None or spec.origin is None:
        raise SettingsError(f"{name} is declared by an installed package, but there is no {top}; install it again")
    return Path(spec.origin).with_suffix("")

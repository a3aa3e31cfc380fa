"""The modules of packages as files, found by their names without importing anything."""

import ast
from functools import cached_property
from pathlib import Path

from img2height.provenance.statements import Statement, statements_of
from img2height.settings.installed import module_file

PACKAGE = "img2height"
SETTINGS = f"{PACKAGE}.settings"
DIGESTS = f"{PACKAGE}.provenance.digest"  # not followed: digests are not part of any result


class Module:
    """A file of Python code.

    Attributes:
        name: dotted name; for a script the name of its file.
        path: the file.
    """

    def __init__(self, name: str, path: Path):
        self.name, self.path = name, path

    @property
    def package(self) -> str:
        """Name of its package."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @cached_property
    def statements(self) -> list[Statement]:
        """The statements at its top level."""
        tree = ast.parse(self.path.read_text(encoding="utf-8"), filename=str(self.path))
        return statements_of(tree, self.package, settings=f"{self.name}.".startswith(f"{SETTINGS}."))

    @cached_property
    def bound(self) -> dict[str, list[Statement]]:
        """The statements that bind a name, by name."""
        found: dict[str, list[Statement]] = {}
        for statement in self.statements:
            for name in statement.names:
                found.setdefault(name, []).append(statement)
        return found


class Library:
    """The modules of some packages, each read once.

    Args:
        folders: folder of each package, by name.
    """

    def __init__(self, folders: dict[str, Path]):
        self.folders = folders
        self._modules: dict[str, Module | None] = {}

    def follow(self, name: str) -> None:
        """Also follow names into the package of a module, such as an installed package with a network.

        Raises:
            SettingsError: there is no such package.
        """
        package = name.partition(".")[0]
        if package not in self.folders:
            file = module_file(package)
            self.folders[package] = file.parent if file.name == "__init__.py" else file.with_suffix("")

    def find(self, name: str) -> Module | None:
        """Return a module by its dotted name, or None if these packages have no such module."""
        if name.partition(".")[0] not in self.folders:
            return None
        if name not in self._modules:
            path = self._path(name)
            self._modules[name] = Module(name, path) if path else None
        return self._modules[name]

    def _path(self, name: str) -> Path | None:
        package, *parts = name.split(".")
        if name == DIGESTS or not all(part.isidentifier() for part in parts):
            return None
        path = self.folders[package].joinpath(*parts)
        candidates = (path / "__init__.py", path.with_suffix(".py"))
        return next((file for file in candidates if file.is_file()), None)

"""Digests of the code that a program may run: its results stay the same as long as they do."""

import hashlib
from functools import cache
from pathlib import Path

from img2height.provenance.modules import PACKAGE, Library, Module
from img2height.provenance.reach import Graph
from img2height.provenance.statements import Statement

GRAPH = Graph(Library({PACKAGE: Path(__file__).parents[1]}))


@cache
def code_digest(*roots: str | Path, graph: Graph = GRAPH) -> str:
    """Return a digest of all code that a program may run; see `code_parts`."""
    return _digest(repr(code_parts(*roots, graph=graph)))


@cache
def code_parts(*roots: str | Path, graph: Graph = GRAPH) -> dict[str, dict[str, str]]:
    """Return the code that a program may run: by module, the digest of each definition by its name.

    Code that runs on import has no name. Templates count with the modules of their parent folder.

    Args:
        roots: path of the script, ending in .py, and the modules that it loads by name: `img2height.methods.unet`.
        graph: the dependencies in the package.
    """
    counted = _Counted(graph, *roots)
    modules = sorted(counted.statements, key=lambda module: module.name)
    templates = {module.path.parent / "templates": module.package for module in modules}
    return {module.name: counted.definitions(module) for module in modules} | {
        f"{package}.templates": digests for folder, package in templates.items() if (digests := _templates(folder))
    }


class _Counted:
    """The statements that count, and the properties of all of them that decide which of their parts count."""

    def __init__(self, graph: Graph, *roots: str | Path):
        self.statements: dict[Module, set[Statement]] = {}
        for node in graph.reached([_root(root, graph.modules) for root in roots]):
            if node.statement:
                self.statements.setdefault(node.module, set()).add(node.statement)
        meanings = [statement.meaning for found in self.statements.values() for statement in found]
        self.words = set().union(*(meaning.words for meaning in meanings))
        self.called = set().union(*(meaning.called for meaning in meanings))
        self.reads_errors = any(meaning.reads_errors for meaning in meanings)

    def definitions(self, module: Module) -> dict[str, str]:
        """Return the digest of each definition of a module that counts."""
        texts: dict[str, list[str]] = {}
        for statement in module.statements:
            if statement in self.statements[module]:
                texts.setdefault(", ".join(statement.names), []).append(self._text(statement))
        return {name: _digest("\n".join(parts)) for name, parts in texts.items()}

    def _text(self, statement: Statement) -> str:
        meaning = statement.meaning
        made_here = not self.called.isdisjoint(statement.names)  # then defaults count
        fields = [
            f"{name}: {text[made_here]}" for name, text in meaning.fields.items() if made_here or name in self.words
        ]
        return "\n".join([meaning.text, *fields, *(meaning.messages if self.reads_errors else [])])


def _root(root: str | Path, modules: Library) -> Module:
    path = Path(root)
    if path.suffix == ".py":
        return Module(path.name, path)
    modules.follow(str(root))
    module = modules.find(str(root))
    if module is None:
        raise ModuleNotFoundError(f"module {root} does not exist", name=str(root))
    return module


def _templates(folder: Path) -> dict[str, str]:
    """Return the digest of each template, without backup files of editors."""
    files = sorted(folder.glob("[!.]*.html"))
    return {file.name: _digest(file.read_text(encoding="utf-8")) for file in files}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

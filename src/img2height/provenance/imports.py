"""Import statements: the names that they bind, and the modules that they load."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Import:
    """One name that is imported.

    Attributes:
        name: the bound name; `*` for all names of a module.
        target: the dotted name to which it is bound.
        loads: dotted names that are loaded for it if they are modules.
    """

    name: str
    target: str
    loads: tuple[str, ...]


def imports_of(nodes: Iterable[ast.AST], package: str) -> Iterator[Import]:
    """Yield the imports of the import statements among some nodes; relative ones start from the package."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                yield Import(alias.asname or top, alias.name if alias.asname else top, (alias.name,))
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: 1 - node.level or None] if node.level else []
            module = ".".join([*parents, *filter(None, [node.module])])
            for alias in node.names:
                target = module if alias.name == "*" else f"{module}.{alias.name}"
                yield Import(alias.asname or alias.name, target, (module, target))


def one_by_one(node: ast.stmt) -> Iterator[ast.stmt]:
    """Yield an import of several names as one statement per name, any other statement unchanged."""
    if isinstance(node, ast.Import):
        yield from (ast.Import([alias]) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (ast.ImportFrom(node.module, [alias], node.level) for alias in node.names)
    else:
        yield node

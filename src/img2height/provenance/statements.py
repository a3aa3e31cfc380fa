"""The statements at the top level of a module: the units of a code digest."""

import ast
from functools import cached_property

from img2height.provenance.imports import Import, imports_of, one_by_one
from img2height.provenance.meaning import Meaning, is_empty, meaning_of
from img2height.provenance.scope import Scope, bound_names


class Statement:
    """A statement at the top level of a module; an import of several names is one statement per name.

    Args:
        node: its tree.
        scope: the top level of the module.

    Attributes:
        names: the names that it binds in the module, sorted.
        runs: whether it does more than bind them when the module is imported.
        is_import: whether it is an import statement.
    """

    def __init__(self, node: ast.stmt, scope: Scope):
        self._node, self._scope = node, scope
        self.names = sorted(set(bound_names(node)))
        self.runs = scope.runs(node)
        self.is_import = isinstance(node, ast.Import | ast.ImportFrom)

    @cached_property
    def meaning(self) -> Meaning:
        """Its parts that can change a result."""
        return meaning_of(self._node, self._scope.loggers, self._scope.errors, settings=self._scope.settings)

    @cached_property
    def imports(self) -> list[Import]:
        """All imports in it, including those in functions."""
        nodes = [self._node] if self.is_import else self.meaning.imports
        return list(imports_of(nodes, self._scope.package))


def statements_of(tree: ast.Module, package: str, *, settings: bool) -> list[Statement]:
    """Return the statements of a module in order, without docstrings and imports for type checkers.

    Args:
        tree: the tree of the module.
        package: the package of the module, from which its relative imports start.
        settings: whether it is a module of settings.
    """
    kept = [node for node in tree.body if not is_empty(node) and not _is_for_checkers(node)]
    nodes = [part for node in kept for part in one_by_one(node)]
    scope = Scope(nodes, package, settings=settings)
    return [Statement(node, scope) for node in nodes]


def _is_for_checkers(node: ast.stmt) -> bool:
    """Return whether a statement is only for type checkers."""
    return isinstance(node, ast.If) and not node.orelse and ast.unparse(node.test).endswith("TYPE_CHECKING")

"""The top level of a module: the names that its statements bind, and which statements do more on import."""

import ast
import builtins
from collections.abc import Iterator
from functools import cached_property

from img2height.provenance.imports import imports_of
from img2height.provenance.meaning import is_empty, names_in

ERRORS = "img2height.errors"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
# Calls that only make a value: a name that is bound to one but never looked up cannot change a result.
MAKERS = (
    "collections.", "contextlib.", "dataclasses.", "enum.", "functools.cache.", "functools.cached_property.",
    "functools.lru_cache.", "functools.partial.", "img2height.settings.base.with_fields.",
    "img2height.vocabulary.score.Score.", "itertools.", "logging.getLogger.", "math.", "numba.njit.", "pathlib.Path.",
    "pydantic.", "re.", "threading.Lock.", "torch.inference_mode.", "torch.no_grad.", "typing.",
)  # fmt: skip
VIEWS = (["items"], ["keys"], ["values"])
DOERS = {"__import__", "delattr", "eval", "exec", "filter", "input", "map", "next", "open", "print", "setattr"}


class Scope:
    """The names at the top level of a module.

    Args:
        nodes: the statements there.
        package: the package of the module.
        settings: whether it is a module of settings, where fields of classes are not code.

    Attributes:
        loggers: names of its loggers.
        errors: names under which it imports the package's errors.
    """

    def __init__(self, nodes: list[ast.stmt], package: str, *, settings: bool):
        self.nodes, self.package, self.settings = nodes, package, settings
        self._imported = {found.name: found.target for found in imports_of(nodes, package)}
        self._bound = {name for node in nodes for name in bound_names(node)}
        self._decorators: set[str] = set()  # such as `compiled = njit(nogil=True)`
        made = {
            name: self._origin(node.value.func)
            for node in nodes
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
            for name in bound_names(node)
        }
        self._decorators = {name for name, origin in made.items() if origin == "numba.njit"}
        self._records = {node.name for node in nodes if isinstance(node, ast.ClassDef) and self._is_record(node)}
        self.loggers = {name for name, origin in made.items() if origin == "logging.getLogger"}
        self.errors = {name for name, target in self._imported.items() if target.startswith(f"{ERRORS}.")}

    def runs(self, node: ast.stmt) -> bool:
        """Return whether a statement does more than bind names when the module is imported."""
        if isinstance(node, ast.Import):
            return not self._read.intersection(bound_names(node))  # imported for its side effects
        if isinstance(node, ast.ImportFrom):
            return False
        if isinstance(node, FUNCTIONS):
            return self._registers(node) or self._does(*node.args.defaults, *node.args.kw_defaults)
        if isinstance(node, ast.ClassDef):
            fields = ast.AnnAssign if self.settings else ()
            body = [part for part in node.body if not is_empty(part) and not isinstance(part, fields)]
            own = bool(node.keywords) or self._registers(node) or self._does(*node.bases)
            return own or any(self.runs(part) for part in body)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            inside = any(isinstance(part, ast.Attribute | ast.Subscript) for t in targets for part in ast.walk(t))
            return inside or self._does(node.value)
        return True

    @cached_property
    def _read(self) -> set[str]:
        """All names in the module except those in imports."""
        return names_in(*self.nodes)

    def _registers(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
        """Return whether a decorator may do more than wrap the function or class."""
        called = [part.func if isinstance(part, ast.Call) else part for part in node.decorator_list]
        return not all(self._makes(part) for part in called) or self._does(*node.decorator_list)

    def _does(self, *expressions: ast.expr | None) -> bool:
        """Return whether evaluating the expressions may do more than make values."""
        parts = [part for expression in expressions if expression for part in walk(expression)]
        calls = [part.func for part in parts if isinstance(part, ast.Call)]
        return not all(self._makes(call) for call in calls) or any(isinstance(part, ast.NamedExpr) for part in parts)

    def _is_record(self, node: ast.ClassDef) -> bool:
        """Return whether a class is a dataclass without code that runs when an instance is made."""
        called = [part.func if isinstance(part, ast.Call) else part for part in node.decorator_list]
        own = {part.name for part in node.body if isinstance(part, FUNCTIONS)}
        plain = not node.bases and not node.keywords and own.isdisjoint(("__init__", "__new__", "__post_init__"))
        return plain and [*map(self._origin, called)] == ["dataclasses.dataclass"]

    def _makes(self, called: ast.expr) -> bool:
        """Return whether a call of this expression only makes a value."""
        return ast.unparse(called) in self._records or f"{self._origin(called)}.".startswith(("builtins.", *MAKERS))

    def _origin(self, called: ast.expr) -> str:
        """Return the dotted name of what is called; empty if it cannot be determined."""
        root, *rest = ast.unparse(called).split(".")
        if root in self._imported:
            return ".".join([self._imported[root], *rest])
        if root in self._bound:
            if rest in VIEWS:
                return "builtins.dict"
            return "numba.njit" if root in self._decorators and not rest else ""
        return f"builtins.{root}" if hasattr(builtins, root) and root not in DOERS else ""


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all nodes in it except those inside functions and classes."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, SCOPES):
            yield child
        else:
            yield from walk(child)


def bound_names(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds in its own scope."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node]  # a value binds names only in its own scope
    for part in (part for target in targets for part in walk(target)):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            yield part.id
        elif isinstance(part, (*FUNCTIONS, ast.ClassDef)):
            yield part.name
        elif isinstance(part, ast.Import | ast.ImportFrom):
            yield from (found.name for found in imports_of([part], ""))

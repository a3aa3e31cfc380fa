"""The code that a program may run: names are followed, statement by statement.

Code runs because running code looks it up, or because it runs when a module is imported. So everything that a counted
statement names is counted, a class as a whole; and if code finds other code without naming it, all loaded modules are
counted as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from img2height.provenance.modules import Library, Module
from img2height.provenance.statements import Statement

HIDDEN_NAMES = {"__import__", "eval", "exec", "globals", "locals", "sys.modules"}
HIDDEN_WORDS = {"__init_subclass__", "__subclasses__"}


@dataclass(frozen=True)
class Node:
    """A loaded module, a module that counts as a whole, or a statement that counts."""

    module: Module
    statement: Statement | None = None
    whole: bool = False


class Graph:
    """The dependencies between modules and statements.

    Args:
        modules: the modules in which names are looked up.
    """

    def __init__(self, modules: Library):
        self.modules = modules
        self._known: dict[Node, list[Node]] = {}
        self._looked_up: set[str] = set()

    def reached(self, roots: list[Module]) -> set[Node]:
        """Return all nodes that count if these modules count as a whole."""
        todo = [Node(module, whole=True) for module in roots]
        found = set(todo)
        hidden = False
        while todo:
            node = todo.pop()
            if node not in self._known:
                self._known[node] = list(self._leads_to(node))
            new = set(self._known[node]) - found
            if not hidden and node.statement and _finds_code(node.statement):
                hidden = True
                new |= {Node(other.module, whole=True) for other in found | new} - found
            elif hidden:
                new |= {Node(other.module, whole=True) for other in new} - found
            found |= new
            todo += new
        return found

    def _leads_to(self, node: Node) -> Iterator[Node]:
        module, statement = node.module, node.statement
        if statement:
            yield from self._statement(module, statement)
        elif node.whole:
            yield Node(module)
            for part in module.statements:
                yield Node(module, part)
                if part.is_import:
                    yield from self._named(part.imports[0].target)
        else:
            yield from self._loaded(module.name.rpartition(".")[0])
            for part in module.statements:
                if part.is_import:
                    yield from self._loaded(*part.imports[0].loads)
                    yield from self._named(part.imports[0].target) if "*" in part.names else ()
                if part.runs:
                    yield Node(module, part)

    def _statement(self, module: Module, statement: Statement) -> Iterator[Node]:
        """Yield the nodes that count because a statement counts."""
        meaning = statement.meaning
        for found in statement.imports:
            yield from self._loaded(*found.loads)
        for name in () if statement.is_import else meaning.names:
            first, _, rest = name.partition(".")
            yield from self._imported(module, statement, first, rest)
            yield from self._bound(module, first, rest)
        for word in meaning.words:
            if other := self.modules.find(word):
                yield Node(other, whole=True)

    def _loaded(self, *names: str) -> Iterator[Node]:
        yield from (Node(module) for name in names if (module := self.modules.find(name)))

    def _bound(self, module: Module, name: str, rest: str) -> Iterator[Node]:
        """Yield the nodes to which a name is bound at the top level of a module."""
        for statement in module.bound.get(name, []):
            yield Node(module, statement)
            yield from self._imported(module, statement, name, rest)

    def _imported(self, module: Module, statement: Statement, name: str, rest: str) -> Iterator[Node]:
        """Yield the nodes of a name that a statement imports; `rest` are the attributes that are looked up in it."""
        for found in statement.imports:
            if found.name == name:
                # `from .version import version`: looked up in the package, the name leads back here, longer each time
                own = f"{found.target}.".startswith(f"{module.name}.{name}.")
                yield from self._named(f"{found.target}.{rest}" if rest and not own else found.target)

    def _named(self, name: str) -> Iterator[Node]:
        """Yield the nodes of a dotted name: a name in a module, or a module, in which any name may be looked up."""
        if name in self._looked_up:  # modules of other packages may import a name from each other in a circle
            return
        self._looked_up.add(name)
        yield from self._found(name)
        self._looked_up.remove(name)

    def _found(self, name: str) -> Iterator[Node]:
        """Yield what `_named` does, without regard to circles."""
        head, _, tail = name.partition(".")
        while module := self.modules.find(head):
            first, _, rest = tail.partition(".")
            yield Node(module, whole=first in ("", "__dict__"))
            inner = f"{head}.{first}"
            if first in module.bound or not self.modules.find(inner):
                yield from self._bound(module, first if first in module.bound else "__getattr__", rest)
            head, tail = inner, rest


def _finds_code(statement: Statement) -> bool:
    """Return whether a statement may find code without naming it."""
    return bool(statement.meaning.names & HIDDEN_NAMES or statement.meaning.words & HIDDEN_WORDS)

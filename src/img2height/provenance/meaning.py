"""The parts of a statement that can change a result: not its comments, docstrings, layout and text for people.

The text of the package's errors and log messages does not count, only the values in them, because an error ends the
program. If code catches an error and reads it, the text counts too. Annotations count where the running program reads
them: in the bodies of classes, and in functions with a decorator that may read them.

A program receives the values of its settings, checked and complete, and Snakemake tracks them. So defaults, limits,
descriptions and checks of settings change no result by themselves. Types of fields that are read may, and so may
methods, and defaults if the program makes settings itself.
"""

import ast
from dataclasses import dataclass, field

LOG_METHODS = ("debug", "info", "warning", "error", "exception", "critical")
CHECKS = ("field_serializer", "field_validator", "model_serializer", "model_validator")  # of pydantic
BLIND = ("cache", "cached_property", "classmethod", "contextmanager", "njit", "property", "staticmethod")
NEVER = ("ctx", "type_comment")  # fields of the tree without further information


@dataclass
class Meaning:
    """The parts of a statement that can change a result.

    Attributes:
        text: its code in a normal form, without the fields of settings.
        names: names that it looks up, with the attributes that follow: `np.random.default_rng`.
        words: attributes, parameters and strings in it, by which a field of settings may be read.
        called: names that it calls.
        fields: for a class of settings, the type of each field, and its full declaration.
        imports: all import statements in it.
        messages: text of the errors that it raises.
        reads_errors: whether it may catch an error and use its text.
    """

    text: str = ""
    names: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    fields: dict[str, tuple[str, str]] = field(default_factory=dict)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    reads_errors: bool = False


def meaning_of(node: ast.stmt, loggers: set[str], errors: set[str], *, settings: bool) -> Meaning:
    """Return the meaning of a statement at the top of a module.

    Args:
        node: the statement.
        loggers: names of the loggers in its module.
        errors: names of the package's errors in its module.
        settings: whether its module contains settings.
    """
    reader = _Reader(loggers, errors, settings=settings)
    reader.read(node)
    reader.meaning.text = reader.taken()
    return reader.meaning


def is_empty(node: ast.stmt) -> bool:
    """Return whether a statement does nothing: a docstring, `...` or `pass`."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


class _Reader:
    """Reads a tree once. Kinds of nodes that need special treatment have a method of their name."""

    def __init__(self, loggers: set[str], errors: set[str], *, settings: bool):
        self.loggers, self.errors, self.settings = loggers, errors, settings
        self.meaning = Meaning()
        self.text: list[str] = []
        self.aside: list[str] | None = None  # receives text that does not count
        self.in_class = self.annotated = False

    def taken(self) -> str:
        """Return the text since the last call."""
        text, self.text = " ".join(self.text), []
        return text

    def read(self, value: object) -> None:
        """Read a node, a list of nodes, or a plain value."""
        if isinstance(value, ast.AST):
            special = getattr(self, type(value).__name__, None)
            special(value) if special else self.fields(value)
        elif isinstance(value, list):
            self.text.append("[")
            for part in value:
                self.read(part)
            self.text.append("]")
        else:
            self.text.append(repr(value))

    def fields(self, node: ast.AST, *without: str, aside: list[str] | None = None) -> None:
        """Read all fields of a node that are not empty, because some versions of Python have more of them."""
        outer, self.aside = self.aside, self.aside if aside is None else aside
        self.text.append(f"({type(node).__name__}")
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != [] and name not in NEVER and name not in without:
                self.text.append(name)
                self.read(value)
        self.text.append(")")
        self.aside = outer

    def body(self, body: list[ast.stmt], *, in_class: bool) -> None:
        """Read the body of a class or function, without docstrings."""
        outer, self.in_class = self.in_class, in_class
        self.read([part for part in body if not is_empty(part)])
        self.in_class = outer

    def quoted(self, annotation: ast.expr) -> None:
        """Add the names in a quoted type, which pydantic looks up."""
        strings = [part.value for part in ast.walk(annotation) if isinstance(part, ast.Constant)]
        self.meaning.names.update(value for value in strings if isinstance(value, str))

    def ClassDef(self, node: ast.ClassDef) -> None:
        self.fields(node, "body")
        own = self.settings and node.bases and not node.decorator_list
        fields = [part for part in node.body if own and isinstance(part, ast.AnnAssign) and _is_field(part)]
        others, self.text = self.text, []
        for part in fields:
            self.quoted(part.annotation)
            self.read(_without_limits(part.annotation))
            self.meaning.fields[ast.unparse(part.target)] = (self.taken(), ast.unparse(part))
        self.text = others
        self.body([part for part in node.body if part not in fields and not (own and _is_check(part))], in_class=True)

    def FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.meaning.words.add(node.name)  # for `__init_subclass__`
        self.meaning.reads_errors |= node.name in ("__exit__", "__aexit__")
        outer, self.annotated = self.annotated, not all(_last_name(part) in BLIND for part in node.decorator_list)
        self.fields(node, "body", *([] if self.annotated else ["returns"]))
        self.annotated = outer
        self.body(node.body, in_class=False)

    AsyncFunctionDef = FunctionDef

    def arg(self, node: ast.arg) -> None:
        self.meaning.words.add(node.arg)
        self.fields(node, *([] if self.annotated else ["annotation"]))

    def AnnAssign(self, node: ast.AnnAssign) -> None:
        if self.in_class:
            self.quoted(node.annotation)
            self.fields(node)
        elif node.value is not None:
            self.read(ast.Assign([node.target], node.value))

    def Raise(self, node: ast.Raise) -> None:
        own = isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) in self.errors
        self.fields(node, aside=self.meaning.messages if own else None)

    def Expr(self, node: ast.Expr) -> None:
        function = node.value.func if isinstance(node.value, ast.Call) else node.value
        log = isinstance(function, ast.Attribute) and function.attr in LOG_METHODS
        own = log and ast.unparse(function).rpartition(".")[0] in self.loggers
        self.fields(node, aside=[] if own else None)

    def ExceptHandler(self, node: ast.ExceptHandler) -> None:
        last = node.body[-1]
        ends = isinstance(last, ast.Raise) or ast.unparse(last).startswith("sys.exit(")
        own = node.type is None or {*names_in(node.type)} & (self.errors | {"Exception", "BaseException"})
        self.meaning.reads_errors |= bool(own and not ends and node.name in names_in(*node.body))
        self.fields(node)

    def Call(self, node: ast.Call) -> None:
        base, parts = _split(node.func)
        self.meaning.called.update([*parts, base.id] if isinstance(base, ast.Name) else parts)
        self.fields(node)

    def Name(self, node: ast.Name) -> None:
        self.meaning.names.add(node.id)
        self.text.append(node.id)

    def Attribute(self, node: ast.Attribute) -> None:
        base, parts = _split(node)
        self.meaning.words.update(parts)
        if isinstance(base, ast.Name):
            self.meaning.names.add(".".join([base.id, *parts]))
            self.text.append(base.id)
        else:
            self.read(base)
        self.text += (f".{part}" for part in parts)

    def Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.meaning.words.add(node.value)
        aside = self.aside if isinstance(node.value, str) else None
        (self.text if aside is None else aside).append(repr(node.value))

    def Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.meaning.imports.append(node)
        self.fields(node)

    ImportFrom = Import


def _split(node: ast.expr) -> tuple[ast.expr, list[str]]:
    """Return the expression at the start of a chain of attributes, and the attributes."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return node, parts


def names_in(*nodes: ast.AST) -> set[str]:
    """Return all names in some trees."""
    return {part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)}


def _last_name(decorator: ast.expr) -> str:
    return ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator).split(".")[-1]


def _is_field(node: ast.AnnAssign) -> bool:
    """Return whether a name in a class of settings is a field, neither private nor a class variable."""
    return "ClassVar" not in ast.unparse(node.annotation) and not ast.unparse(node.target).startswith("_")


def _is_check(node: ast.stmt) -> bool:
    return any(_last_name(decorator) in CHECKS for decorator in getattr(node, "decorator_list", []))


def _without_limits(annotation: ast.expr) -> ast.expr:
    """Return a type without the metadata in `Annotated`."""
    if not isinstance(annotation, ast.Subscript) or _last_name(annotation.value) != "Annotated":
        return annotation
    return annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation

"""The options of networks, found without importing torch, which takes seconds."""

import ast
from collections.abc import Iterable
from functools import cache

from img2height.errors import SettingsError
from img2height.settings.installed import module_file, network_modules
from img2height.settings.parsing import meant
from img2height.settings.recipe import Recipe

DISCRIMINATOR = ("img2height.methods._patchgan", "build_discriminator")


def check_options(method: str, recipe: Recipe) -> None:
    """Raise a SettingsError that says what was probably meant if a network has no such option."""
    _check(f"method {method}: options", recipe.options, network_options(network_modules()[recipe.network], "build"))
    if adversary := recipe.discriminator:
        _check(f"method {method}: discriminator.options", adversary.options, network_options(*DISCRIMINATOR))


def _check(where: str, options: Iterable[str], valid: frozenset[str] | None) -> None:
    if valid is not None and (wrong := sorted(set(options) - valid)):
        raise SettingsError(f"{where}: there is no option {meant(wrong[0], sorted(valid))}")


@cache
def network_options(module: str, function: str) -> frozenset[str] | None:
    """Return the names of the options of a function that builds a network; None if its file does not show them.

    Options that it passes as `**options` are those of the class in the same file that receives them.

    Args:
        module: dotted name of the module.
        function: name of the function.
    """
    tree = ast.parse(module_file(module).read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    if not found or found[0].args.kwarg is None:
        return _names(found[0]) if found else None
    taking = _class_taking(found[0], found[0].args.kwarg.arg)
    made = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == taking]
    starts = [node for of in made for node in of.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    listed = starts and starts[0].args.kwarg is None
    return _names(found[0]) | _names(starts[0]) if listed else None


def _names(function: ast.FunctionDef) -> frozenset[str]:
    """Return the names of all arguments except the first: the bands, or the object itself."""
    return frozenset(argument.arg for argument in [*function.args.args[1:], *function.args.kwonlyargs])


def _class_taking(function: ast.FunctionDef, options: str) -> str | None:
    """Return the name of the class or function that a function calls with `**options`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            passed = [item.value for item in node.keywords if item.arg is None]
            if any(isinstance(value, ast.Name) and value.id == options for value in passed):
                return node.func.id
    return None

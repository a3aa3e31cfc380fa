"""Reads settings files into checked models; every mistake gives one line, with the key that was probably meant."""

import difflib
import reprlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from img2height.errors import SettingsError

Model = TypeVar("Model", bound=BaseModel)
NUMBER_ERRORS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of", "finite_number"}
FOLLOWS_FROM_ANOTHER = "default_factory_not_called"
SHORT = reprlib.Repr()  # of the value found, at most a line
SHORT.maxstring = SHORT.maxother = SHORT.maxlong = 60


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, except that a duplicate key is an error; YAML keeps the last one."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        keys: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    raise yaml.MarkedYAMLError(problem=f"key {key.value!r} is given twice", problem_mark=key.start_mark)
                keys.add(key.value)
        return node


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping of a YAML file.

    Raises:
        SettingsError: the file cannot be read, or is not a mapping in YAML and UTF-8, or has a key twice.
    """
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: this file does not exist") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not text in UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2024-02-30
        raise SettingsError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: must be a mapping of keys, found {type(value).__name__}")
    return value


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the keys of `changes`; nested mappings are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = merge(base[key], value) if nested else value
    return merged


def parse_file(model: type[Model], path: Path) -> Model:
    """Return the checked model of a YAML file, or raise a one-line SettingsError that says what was probably meant."""
    return parse(model, read_yaml(path), str(path))


def parse(model: type[Model], value: dict[str, Any], where: str) -> Model:
    """Return the checked model of a mapping, or raise a one-line SettingsError that says what was probably meant."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [_explain(model, value, found) for found in error.errors() if found["type"] != FOLLOWS_FROM_ANOTHER]
        raise SettingsError(f"{where}: " + "; ".join(dict.fromkeys(problems))) from error


def _explain(model: type[BaseModel], value: Any, problem: ErrorDetails) -> str:
    keys, kind = _keys(value, problem), problem["type"]
    place = ".".join(str(key) for key in keys)
    if kind == "extra_forbidden":
        return f"unknown key {place}; {meant(str(keys[-1]), _valid_keys(model, keys[:-1]))}"
    if kind == "missing":
        return f"key {place} is missing"
    field = _field(model, keys) if kind in NUMBER_ERRORS else None
    meaning = f" ({field.description})" if field and field.description else ""
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message}, found {SHORT.repr(problem['input'])}{meaning}".removeprefix(": ")


def _keys(value: Any, problem: ErrorDetails) -> list[str | int]:
    """Return the keys that lead to a problem, without what pydantic adds: the branch of a union, `[key]`."""
    keys: list[str | int] = []
    for part in problem["loc"]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):  # not a key of the value
            if problem["type"] != "missing" or part != problem["loc"][-1]:
                continue
        keys.append(part)
    return keys


def _field(model: type[BaseModel], keys: Iterable[str | int]) -> FieldInfo | None:
    """Return the last field on the path to a key; keys of mappings and indices of lists lie between fields."""
    field, models = None, [model]
    for key in keys:
        found = [inner.model_fields[key] for inner in models if key in inner.model_fields]
        if found:
            field, models = found[0], _models(found[0].annotation)
    return field


def _valid_keys(model: type[BaseModel], keys: list[str | int]) -> list[str]:
    """Return the valid keys at the level of an invalid one."""
    field = _field(model, keys)
    return [key for inner in (_models(field.annotation) if field else [model]) for key in inner.model_fields]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a type contains, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def meant(word: str, valid: Iterable[str]) -> str:
    """Return an invalid word with the most similar valid one, or with all of them."""
    names = list(valid)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"available: {', '.join(names)}"
    return f"{word!r}; {hint}"

"""Settings as text become checked models; every mistake is one clear line that says what was meant."""

import difflib
import json
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from img2height.errors import SettingsError

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> dict:
    """Return the mapping of a YAML file."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: this file does not exist") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: must be a mapping of keys, found {type(value).__name__}")
    return value


def merge(base: dict, changes: dict) -> dict:
    """Return `base` with the keys of `changes`; nested mappings are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = merge(base[key], value) if nested else value
    return merged


def parse(model: type[Model], value: dict | str, where: str) -> Model:
    """Return the checked model of a mapping or of JSON text, or raise one line that says what was meant."""
    try:
        return model.model_validate(json.loads(value) if isinstance(value, str) else value)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{where}: is no JSON ({error})") from error
    except ValidationError as error:
        problems = [_explain(model, problem) for problem in error.errors()]
        raise SettingsError(f"{where}: " + "; ".join(problems)) from error


def _explain(model: type[BaseModel], problem: dict) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {place}; {meant(str(problem['loc'][-1]), _siblings(model, problem['loc'][:-1]))}"
    if problem["type"] == "missing":
        return f"key {place} is missing"
    return f"{place}: {problem['msg']}, found {problem['input']!r}"


def _siblings(model: type[BaseModel], path: tuple) -> list[str]:
    """Return the keys that are known where an unknown one stood; none where the path runs through a union or list."""
    current = model
    for part in path:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            continue  # a key of a mapping or an index of a list: the model of its values is next
        inner = [
            a for a in (field.annotation, *getattr(field.annotation, "__args__", ())) if hasattr(a, "model_fields")
        ]
        if not inner:
            return []
        current = inner[0]
    return list(current.model_fields)


def meant(word: str, known: list[str] | dict) -> str:
    """Return an invalid word with the most similar valid one, or with all of them."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"available: {', '.join(known)}"
    return f"{word!r}; {hint}"

"""Reads the settings files of one experiment and merges what it overrides; every mistake is one clear line."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from img2height.errors import SettingsError
from img2height.settings import Dataset, Experiment, Params, Recipe

NETWORKS = Path(__file__).parent / "methods"  # listed as files, for importing them takes torch
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Project:
    """All settings of one experiment, with its overrides applied.

    Attributes:
        experiment: the experiment file.
        params: the protocol.
        datasets: by name, those that the experiment uses.
        recipes: by method name, those that the experiment runs.
    """

    experiment: Experiment
    params: Params
    datasets: dict[str, Dataset]
    recipes: dict[str, Recipe]

    @property
    def scenes(self) -> list[tuple[str, str, str]]:
        """Dataset, scene and role of each scene, in the order of the experiment file."""
        return [(d, s, role) for d, scenes in self.experiment.scenes.items() for s, role in scenes.items()]

    @property
    def folds(self) -> list[int]:
        """The folds to run: one, unless stripes or blocks divide a scene."""
        divided = any(role == "split" for _, _, role in self.scenes)
        count = self.params.split.n_folds if divided and self.params.split.strategy != "fraction" else 1
        if self.experiment.folds == "all":
            return list(range(count))
        if wrong := [fold for fold in self.experiment.folds if fold >= count]:
            raise SettingsError(
                f"experiment {self.experiment.name}: folds {wrong} do not exist; there are {count}, from 0"
            )
        return self.experiment.folds


def load_project(experiment: str, *, params: Path, experiments: Path, datasets: Path, methods: Path) -> Project:
    """Return the checked settings of one experiment.

    Args:
        experiment: name of the experiment.
        params: the protocol file.
        experiments: folder of experiment files.
        datasets: folder of dataset files.
        methods: folder of method files.

    Raises:
        SettingsError: a file is missing, or says something that is not known; the message says what was meant.
    """
    chosen = load_named(Experiment, experiments, experiment)
    protocol = parse(Params, merge(read_yaml(params), chosen.params), f"{params} with params of {experiment}")
    used = {name: load_named(Dataset, datasets, name) for name in chosen.scenes}
    for name, scenes in chosen.scenes.items():
        for scene in scenes:
            if scene not in used[name].scenes:
                raise SettingsError(
                    f"experiment {experiment}: dataset {name} has no scene {_meant(scene, used[name].scenes)}"
                )
    if unused := sorted(set(chosen.recipes) - set(chosen.methods)):
        raise SettingsError(
            f"experiment {experiment}: recipes changes {_meant(unused[0], chosen.methods)}, which it does not run"
        )
    recipes = {name: load_recipe(methods, name, chosen.recipes.get(name)) for name in chosen.methods}
    for name, recipe in recipes.items():
        if protocol.tiling.tile_px % recipe.tile_multiple or protocol.inference.window_px % recipe.tile_multiple:
            raise SettingsError(
                f"method {name} needs tiles and windows of a multiple of {recipe.tile_multiple} px; tiling.tile_px is "
                f"{protocol.tiling.tile_px}, inference.window_px {protocol.inference.window_px}"
            )
    return Project(chosen, protocol, used, recipes)


def load_recipe(folder: Path, name: str, overrides: dict | None = None) -> Recipe:
    """Return the recipe of one method, with the keys that an experiment overrides; its network must exist."""
    recipe = parse(Recipe, merge(read_yaml(_find(folder, name)), overrides or {}), f"method {name}")
    known = [path.stem for path in NETWORKS.glob("[!_]*.py")]
    if recipe.network not in known:
        raise SettingsError(f"method {name}: there is no network {_meant(recipe.network, sorted(known))}")
    return recipe


def load_named(model: type[Model], folder: Path, name: str) -> Model:
    """Return the checked settings file `name`.yaml of a folder, whose `name:` must be the same."""
    path = _find(folder, name)
    loaded = parse(model, read_yaml(path), str(path))
    if loaded.name != name:
        raise SettingsError(f"{path}: name is {loaded.name!r}, the file is called {name!r}; make them the same")
    return loaded


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
        return f"unknown key {place}; {_meant(str(problem['loc'][-1]), _siblings(model, problem['loc'][:-1]))}"
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


def _meant(word: str, known: list[str] | dict) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
    return f"{word!r}; {hint}"


def _find(folder: Path, name: str) -> Path:
    path = folder / f"{name}.yaml"
    if not path.exists():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        raise SettingsError(f"{folder}: there is no {_meant(name, known)}")
    return path

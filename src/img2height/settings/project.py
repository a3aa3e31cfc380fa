"""Reads the settings files of one experiment and applies its overrides; every mistake gives one clear line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from img2height.errors import SettingsError
from img2height.settings.base import Named
from img2height.settings.dataset import Dataset
from img2height.settings.experiment import Experiment
from img2height.settings.feasible import check_feasible
from img2height.settings.installed import Kind, network_modules, settings_files
from img2height.settings.options import check_options
from img2height.settings.parsing import meant, merge, parse, parse_file, read_yaml
from img2height.settings.protocol import Params
from img2height.settings.recipe import Recipe
from img2height.settings.symmetries import drawn_symmetries
from img2height.vocabulary.layers import RADAR
from img2height.vocabulary.parts import SPLIT, parts_of

NamedModel = TypeVar("NamedModel", bound=Named)


@dataclass(frozen=True)
class Project:
    """All settings of one experiment, with its overrides applied.

    Attributes:
        experiment: the experiment file.
        params: the protocol.
        datasets: the datasets of the experiment, by name.
        recipes: the recipes of the experiment, by method name, in its order.
        symmetries: the symmetries from which training samples are drawn, by method name.
    """

    experiment: Experiment
    params: Params
    datasets: dict[str, Dataset]
    recipes: dict[str, Recipe]
    symmetries: dict[str, list[int]]

    @property
    def scenes(self) -> list[tuple[str, str, str]]:
        """Dataset, scene and role of each scene, in the order of the experiment file."""
        return [(d, s, role) for d, scenes in self.experiment.scenes.items() for s, role in scenes.items()]

    @property
    def test_scenes(self) -> list[tuple[str, str]]:
        """Dataset and scene of the scenes that are predicted and scored."""
        tested = {"test", SPLIT} if self.params.split.tests else {"test"}
        return [(dataset, scene) for dataset, scene, role in self.scenes if role in tested]

    @property
    def folds(self) -> list[int]:
        """The folds to run: one, unless a scene is divided in turns (stripes, blocks or regions)."""
        divided = any(role == SPLIT for _, _, role in self.scenes)
        count = self.params.split.count if divided else 1
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
        SettingsError: a file is missing or invalid; the message says what was probably meant.
    """
    chosen = load_named(Experiment, experiments, experiment)
    protocol = parse(Params, merge(read_yaml(params), chosen.params), f"{params} with params of {experiment}")
    used = {name: load_named(Dataset, datasets, name, "datasets") for name in chosen.scenes}
    for name, scenes in chosen.scenes.items():
        for scene in scenes:
            if scene not in used[name].scenes:
                raise SettingsError(
                    f"experiment {experiment}: dataset {name} has no scene {meant(scene, used[name].scenes)}"
                )
    names = sorted(settings_files(methods, "recipes")) if chosen.methods == "all" else chosen.methods
    if unused := sorted(set(chosen.recipes) - set(names)):
        raise SettingsError(
            f"experiment {experiment}: recipes changes {meant(unused[0], names)}, not one of its methods"
        )
    recipes = {name: load_recipe(methods, name, chosen.recipes.get(name)) for name in names}
    for name, recipe in recipes.items():
        if protocol.tiling.tile_px % recipe.tile_multiple or protocol.inference.window_px % recipe.tile_multiple:
            raise SettingsError(
                f"method {name} needs tiles and windows of a multiple of {recipe.tile_multiple} px; tiling.tile_px is "
                f"{protocol.tiling.tile_px}, inference.window_px {protocol.inference.window_px}"
            )
    check_feasible(chosen, used, recipes, split_tests=protocol.split.tests)
    looks = _looks(chosen, used)
    symmetries = {name: drawn_symmetries(name, recipe, looks) for name, recipe in recipes.items()}
    return Project(chosen, protocol, used, recipes, symmetries)


def _looks(experiment: Experiment, datasets: dict[str, Dataset]) -> dict[str, float | None]:
    """Return the declared look azimuth of the radar layer of each training scene that has one."""
    looks = {}
    for dataset, scenes in experiment.scenes.items():
        for scene, role in scenes.items():
            radar = datasets[dataset].scenes[scene].layers.get(RADAR)
            if radar and "train" in parts_of(role):
                looks[f"{dataset}/{scene}"] = radar.look_azimuth_deg
    return looks


def load_recipe(folder: Path, name: str, overrides: dict[str, Any] | None = None) -> Recipe:
    """Return the recipe of one method, with the keys that an experiment overrides; its network must exist.

    Nested keys are merged, but other inputs, and an optimiser of another name, replace the recipe's.
    """
    written, changes = read_yaml(_find(folder, name, "recipes")), overrides or {}
    own, other = (_optimizer_name(keys) for keys in (written, changes))
    replaced = {"inputs"} & changes.keys() | ({"optimizer"} if other not in (None, own) else set())
    kept = {key: value for key, value in written.items() if key not in replaced}
    recipe = parse(Recipe, merge(kept, changes), f"method {name}")
    if recipe.network not in (modules := network_modules()):
        raise SettingsError(f"method {name}: there is no network {meant(recipe.network, sorted(modules))}")
    check_options(name, recipe)
    return recipe


def _optimizer_name(keys: dict[str, Any]) -> Any:
    optimizer = keys.get("optimizer")
    return optimizer.get("name") if isinstance(optimizer, dict) else None


def load_named(model: type[NamedModel], folder: Path, name: str, kind: Kind | None = None) -> NamedModel:
    """Return the checked settings file `name`.yaml of a folder, whose `name:` must be the same.

    Args:
        model: the model of the file.
        folder: a folder of this project.
        name: the name of the file.
        kind: the kind of file, if other installed packages may also declare it; otherwise None.
    """
    path = _find(folder, name, kind)
    loaded = parse_file(model, path)
    if loaded.name != name:
        raise SettingsError(f"{path}: name is {loaded.name!r}, the file is called {name!r}; make them the same")
    return loaded


def _find(folder: Path, name: str, kind: Kind | None) -> Path:
    files = settings_files(folder, kind) if kind else {path.stem: path for path in folder.glob("*.yaml")}
    if name not in files:
        raise SettingsError(f"{folder}: there is no {meant(name, sorted(files))}")
    return files[name]

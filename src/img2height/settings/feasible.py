"""Refuses methods that do not fit the scenes of an experiment before anything runs, as far as its files show."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from img2height.errors import SettingsError
from img2height.settings.dataset import Dataset, SceneFile, used_pairs
from img2height.settings.experiment import Experiment
from img2height.settings.recipe import Recipe
from img2height.vocabulary.layers import INITIAL, LAYERS, VIEWS, Layer
from img2height.vocabulary.parts import SPLIT, Part, Role, parts_of
from img2height.vocabulary.quantities import BUILDINGS, QUANTITIES, RELATIVE
from img2height.vocabulary.tiles import GSD_TOLERANCE


class Place(NamedTuple):
    """A scene of an experiment: its dataset file, the parts that it has, and its pixel size if the file states it."""

    name: str
    file: SceneFile
    parts: tuple[Part, ...]
    gsd_m: float | None


def check_feasible(
    experiment: Experiment, datasets: Mapping[str, Dataset], recipes: Mapping[str, Recipe], *, split_tests: bool
) -> None:
    """Raise a SettingsError that names method and scene if one cannot use, learn from or be scored on the other.

    Args:
        experiment: the experiment.
        datasets: its datasets, by name.
        recipes: its recipes, by method.
        split_tests: whether scenes with the role split have a test area.
    """
    _check_groups(experiment, datasets)
    places = list(_places(experiment, datasets, split_tests))
    for place, (name, recipe) in product(places, recipes.items()):
        _check_layers(place, name, recipe)
        _check_bands(place, name, recipe)
        _check_pairs(place, name, recipe)
    _check_pixel_sizes(places)


def _places(experiment: Experiment, datasets: Mapping[str, Dataset], split_tests: bool) -> Iterator[Place]:
    for dataset, scenes in experiment.scenes.items():
        for scene, role in scenes.items():
            file = datasets[dataset].scenes[scene]
            made = file.city or file.land
            gsd_m = datasets[dataset].grid.gsd_m or (made.gsd_m if made else None)
            parts = tuple(part for part in parts_of(role) if part != "test" or role == "test" or split_tests)
            yield Place(f"{dataset}/{scene}", file, parts, gsd_m)


def _check_layers(place: Place, name: str, recipe: Recipe) -> None:
    """Refuse a scene without a layer that the method uses, learns from, or is scored with."""
    there = place.file.names
    if missing := [layer for layer in recipe.required if layer != VIEWS and layer not in there]:
        raise SettingsError(
            f"method {name} needs {', '.join(missing)}, but scene {place.name} has only {', '.join(there)}: add the "
            "layer to its dataset file, or leave the method out"
        )
    if not any(layer in there for layer in recipe.inputs):
        raise SettingsError(
            f"method {name} needs at least one of {', '.join(recipe.inputs)}, but scene {place.name} has only "
            f"{', '.join(there)}: add a layer to its dataset file, or leave the method out"
        )
    quantity = RELATIVE if recipe.normalisation.height == "relative" else recipe.target
    above = place.file.layers.get("ndsm")
    if above and above.quantity == BUILDINGS and recipe.target != BUILDINGS:
        raise SettingsError(
            f"method {name} learns {recipe.target}, but the heights of scene {place.name} are those of buildings only, "
            f"0 elsewhere: set target: {BUILDINGS} (recipes: {name}: …), or leave the method out"
        )
    needed = [(f"learns {recipe.target}", [LAYERS[name] for name in recipe.learnt_from])]
    if "test" in place.parts:
        needed.append((f"predicts {quantity}, which is scored above the ground", _scored(quantity, there)))
    for what, layers in needed:
        if lacking := [layer.in_words for layer in layers if not layer.is_among(there)]:
            raise SettingsError(
                f"method {name} {what}, but scene {place.name} has no {lacking[0]}: add the layer to its dataset file, "
                "or leave the method out"
            )


def _scored(name: str, there: list[str]) -> list[Layer]:
    """Return the layers with which a quantity is scored; the reference is the first that the scene has."""
    quantity = QUANTITIES[name]
    references = [LAYERS[reference] for reference in quantity.references]
    reference = next((layer for layer in references if layer.is_among(there)), references[0])
    return [*(LAYERS[needed] for needed in quantity.needs), reference]


def _check_bands(place: Place, name: str, recipe: Recipe) -> None:
    """Refuse a scene whose declared bands are not those that the method uses; files may name others."""
    for layer, bands in recipe.inputs.items():
        delivered = None if layer in (INITIAL, VIEWS) else place.file.layers.get(layer)
        if delivered is None or delivered.bands is None:
            continue
        if missing := [band for band in bands if band not in delivered.bands]:
            raise SettingsError(
                f"method {name} needs {', '.join(missing)} of {layer}, but scene {place.name} has only "
                f"{', '.join(delivered.bands)}: choose other bands (recipes: {name}: inputs), or leave the method out"
            )


def _check_pairs(place: Place, name: str, recipe: Recipe) -> None:
    """Refuse a scene without a pair of views for one of its parts."""
    views = recipe.inputs.get(VIEWS)
    if VIEWS in recipe.optional and not place.file.layers.views:
        return
    for part in place.parts:
        if views and not used_pairs(place.file.pairs, part, views, len(place.file.layers.views)):
            raise SettingsError(
                f"method {name} needs views, but scene {place.name} has no pair for {part}: name one in its dataset "
                f"file, e.g. pairs: [{{first: 1, second: 2, use: [{part}]}}]"
            )


def _check_groups(experiment: Experiment, datasets: Mapping[str, Dataset]) -> None:
    """Refuse an experiment that divides a group of scenes between parts."""
    for dataset, scenes in experiment.scenes.items():
        roles: dict[str, tuple[str, Role]] = {}
        for scene, role in scenes.items():
            if (group := datasets[dataset].scenes[scene].group) is None:
                continue
            other, other_role = roles.setdefault(group, (scene, role))
            if role == SPLIT or role != other_role:
                raise SettingsError(
                    f"experiment {experiment.name}: scenes of the group {group} of {dataset} must not be divided "
                    f"between parts, but {other} has the role {other_role} and {scene} {role}: they show the same area "
                    "or are alike; give all of them train, val or test"
                )


def _check_pixel_sizes(places: list[Place]) -> None:
    """Refuse a validation or test scene whose pixel size differs from that of all training scenes."""
    trained = [place.gsd_m for place in places if "train" in place.parts]
    for place in places:
        if place.parts == ("train",) or place.gsd_m is None or None in trained:
            continue
        if all(abs(place.gsd_m / gsd_m - 1) > GSD_TOLERANCE for gsd_m in trained if gsd_m):
            sizes = ", ".join(f"{gsd_m:g}" for gsd_m in sorted({gsd_m for gsd_m in trained if gsd_m}))
            raise SettingsError(
                f"scene {place.name} has pixels of {place.gsd_m:g} m, but the training scenes of {sizes} m: bring both "
                "to one size (grid: {gsd_m: …} in the dataset file), or leave the scene out"
            )

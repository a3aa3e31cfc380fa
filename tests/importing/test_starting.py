"""Roles of imported scenes: as published, or by whole groups, and experiments that would divide a group."""

import pytest

from img2height.errors import SettingsError
from img2height.importing.adapter import Scene
from img2height.importing.starting import roles_of
from img2height.methods import recipes_folder
from img2height.settings.dataset import Dataset
from img2height.settings.experiment import Experiment
from img2height.settings.feasible import check_feasible
from img2height.settings.parsing import parse
from img2height.settings.project import load_recipe


def scenes(**keys: tuple[str | None, str | None]) -> dict[str, Scene]:
    """Return scenes by name with their published role and group."""
    return {name: Scene({}, {}, role, group) for name, (role, group) in keys.items()}


def test_published_roles_stay_and_the_last_training_scene_validates() -> None:
    given = scenes(a=("train", None), b=("train", None), c=("test", None))
    assert roles_of(given) == {"a": "train", "b": "val", "c": "test"}


def test_a_delivery_of_one_part_is_divided() -> None:
    assert roles_of(scenes(a=("train", None))) == {"a": "split"}
    assert roles_of(scenes(a=(None, None), b=(None, None))) == {"a": "split", "b": "split"}


def test_groups_have_one_role() -> None:
    given = scenes(**{f"{city}{n}": (None, city) for city in "abcdefg" for n in (1, 2)})
    roles = roles_of(given)
    assert "".join(roles[f"{city}1"][0] + roles[f"{city}2"][0] for city in "abcdefg") == "ttvvttttttttvv"
    assert [city for city in "abcdefg" if roles[f"{city}1"] == "test"] == ["a", "f"]


def test_a_group_that_is_published_for_training_validates_as_a_whole() -> None:
    given = scenes(a=("train", "x"), b=("train", "y"), c=("train", "y"), d=("test", "z"))
    assert roles_of(given) == {"a": "train", "b": "val", "c": "val", "d": "test"}


@pytest.mark.parametrize("roles", [{"a": "train", "b": "test"}, {"a": "split"}, {"a": "val", "b": "split"}])
def test_an_experiment_does_not_divide_a_group(roles: dict[str, str]) -> None:
    layers = {"layers": {"eo": {"path": "a.tif"}}, "group": "city"}
    about = {"title": "t", "source": "s", "licence": "l", "vertical_reference": "v"}
    dataset = parse(Dataset, {"name": "d", **about, "scenes": {"a": layers, "b": layers}}, "d")
    other = {"train": "train", "val": "val", "test": "test"}
    experiment = {"name": "e", "title": "t", "scenes": {"d": roles, "o": other}, "methods": ["m"]}
    others = {"scenes": {name: {"layers": {"eo": {"path": "a.tif"}}} for name in other}}
    datasets = {"d": dataset, "o": parse(Dataset, {"name": "o", **about, **others}, "o")}
    with pytest.raises(SettingsError, match="scenes of the group city of d must not be divided between parts"):
        check_feasible(parse(Experiment, experiment, "e"), datasets, {}, split_tests=True)


@pytest.mark.parametrize(("target", "refused"), [("ndsm", True), ("building_height", False)])
def test_heights_of_buildings_are_not_learnt_as_heights_of_everything(target: str, refused: bool) -> None:
    about = {"title": "t", "source": "s", "licence": "l", "vertical_reference": "v"}
    heights = {"path": "h.parquet", "quantity": "building_height", "height_column": "h", "unit": "metre"}
    layers = {"eo": {"path": "a.tif"}, "building_polygons": {"path": "h.parquet"}, "ndsm": heights}
    dataset = parse(Dataset, {"name": "d", **about, "scenes": {"a": {"layers": layers}}}, "d")
    experiment = parse(
        Experiment, {"name": "e", "title": "t", "scenes": {"d": {"a": "split"}}, "methods": ["unet"]}, "e"
    )
    recipe = load_recipe(recipes_folder(), "unet", {"target": target})
    if not refused:
        check_feasible(experiment, {"d": dataset}, {"unet": recipe}, split_tests=True)
        return
    with pytest.raises(SettingsError, match="heights of scene d/a are those of buildings only"):
        check_feasible(experiment, {"d": dataset}, {"unet": recipe}, split_tests=True)

"""Recipes and dataset files: consistent ones are accepted, everything else is a clear error."""

from pathlib import Path

import pytest

from img2height.errors import SettingsError
from img2height.methods import names, recipes_folder
from img2height.settings.city import CitySettings
from img2height.settings.dataset import Pair, SceneFile, used_pairs
from img2height.settings.land import LandSettings
from img2height.settings.parsing import parse
from img2height.settings.project import load_project, load_recipe
from img2height.settings.recipe import Recipe

ROOT = Path(__file__).parents[2]
STEREO = load_recipe(recipes_folder(), "resdepth_stereo").model_dump()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputs": {"views": ["first"]}}, "must be patch_centred with the input dsm_initial .*, and only with it"),
        ({"normalisation": {"image": "zscore", "height": "zscore"}}, "must be patch_centred with the input"),
        ({"target": "ndsm"}, "target must be dsm"),
        ({"optional": ["dsm_initial"]}, "must be patch_centred with the input dsm_initial if it is not optional"),
        ({"optional": ["sar"]}, "optional names sar, which is not one of the inputs dsm_initial, views"),
        ({"inputs": {"dsm_initial": ["dsm"], "views": ["second"]}}, r"must be \[first\] or \[first, second\]"),
        ({"inputs": {"dsm_initial": ["dsm"], "views": ["second", "first"]}}, r"must be \[first\] or"),
        ({"inputs": {"dsm_initial": ["dsm"], "views": ["first", "second", "third"]}}, r"must be \[first\] or"),
        ({"inputs": {"dsm": ["dsm"]}}, "inputs.dsm"),
        ({"loss": [{"name": "l1", "unit": "feet"}]}, "loss.0.unit"),
        ({"schedule": {"name": "step", "step": 0.0}}, "schedule.step"),
    ],
)
def test_inconsistent_recipes_are_refused(changes, said):
    with pytest.raises(SettingsError, match=said):
        parse(Recipe, STEREO | changes, "recipe")


@pytest.mark.parametrize("views", [{}, {"views": ["first"]}, {"views": ["first", "second"]}])
def test_no_view_one_view_and_a_pair_are_accepted(views):
    assert parse(Recipe, STEREO | {"inputs": {"dsm_initial": ["dsm"], **views}}, "recipe").target == "dsm"


PAIRS = [
    Pair(first=1, second=2), Pair(first=1, second=3, use=["train"]), Pair(first=3, second=1, use=["train", "test"]),
    Pair(first=1, second=2, use=["test"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "views", "used"),
    [
        ("train", ["first", "second"], {1: [1, 2], 2: [1, 3], 3: [3, 1]}),
        ("val", ["first", "second"], {1: [1, 2]}),
        ("test", ["first", "second"], {1: [1, 2], 3: [3, 1]}),
        ("train", ["first"], {1: [1], 3: [3]}),
        ("test", ["first"], {1: [1], 3: [3]}),
    ],
)
def test_pairs_keep_their_number_and_none_is_used_twice(part, views, used):
    assert used_pairs(PAIRS, part, views, 3) == used


def test_without_pairs_each_view_counts_for_single_view_methods():
    assert used_pairs([], "test", ["first"], 3) == {1: [1], 2: [2], 3: [3]}
    assert used_pairs([], "test", ["first", "second"], 3) == {}


def test_a_synthetic_scene_lists_its_files():
    bare, full = ({"city": {"seed": 3, **sensors}} for sensors in ({}, {"sar": {"look_azimuth_deg": 90}, "stereo": {}}))
    file = parse(SceneFile, full, "scene")
    assert file.layers.sar.backscatter == "decibel"
    assert file.layers.sar.look_azimuth_deg == 90
    assert [layer.path for layer in file.layers.views] == [f"view_{n}.tif" for n in (1, 2, 3, 4)]
    assert [(p.first, p.second, p.use) for p in file.pairs] == [
        (1, 2, ["train", "val", "test"]), (2, 3, ["train"]), (3, 4, ["train", "test"]),
    ]  # fmt: skip
    names = [name for name, _ in parse(SceneFile, bare, "scene").layers.items()]
    assert {"sar", "dsm_initial", "view_1"}.isdisjoint(names)
    assert names[0] == "eo"
    assert set(names) <= {name for name, _ in file.layers.items()}


def test_two_views_make_one_pair_for_all_parts():
    file = CitySettings.model_validate({"seed": 1, "stereo": {"views": [(10, 0), (10, 180)]}}).delivered()
    assert file["pairs"] == [{"first": 1, "second": 2, "use": ["train", "val", "test"]}]


def test_a_landscape_delivers_a_multispectral_image_and_the_elevation():
    file = parse(SceneFile, {"land": {"seed": 3}}, "scene")
    assert [name for name, _ in file.layers.items()] == ["ms", "dtm", "water", "forest"]
    assert file.layers == SceneFile.model_validate(LandSettings(seed=3).delivered()).layers


def test_pairs_of_a_synthetic_scene_can_be_declared():
    pairs = [{"first": 4, "second": 1, "use": ["test"]}]
    file = parse(SceneFile, {"city": {"seed": 3, "stereo": {}}, "pairs": pairs}, "scene")
    assert [(p.first, p.second) for p in file.pairs] == [(4, 1)]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"layers": {"dsm": {"path": "dsm.tif"}}}, "a scene needs one of eo, sar, ms, dsm_initial"),
        ({"layers": {"eo": {"path": "e.tif"}}, "pairs": [{"first": 1, "second": 2}]}, "not two of the 0 views"),
        ({"layers": {"eo": {"path": "e.tif"}, "views": [{"path": "v.tif"}]}, "pairs": [{"first": 1, "second": 1}]},
         "not two of the 1 views"),
        ({"layers": {"sar": {"path": "s.tif", "backscatter": "power"}}}, "backscatter"),
        ({"layers": {"sar": {"path": "s.tif", "look_azimuth_deg": 360}}}, "look_azimuth_deg"),
    ],
)  # fmt: skip
def test_an_invalid_scene_is_refused(file, said):
    with pytest.raises(SettingsError, match=said):
        parse(SceneFile, file, str(Path("d.yaml")))


@pytest.mark.parametrize(
    ("name", "folder"), [("comparison", ROOT / "config"), ("methods", ROOT / "config/test")], ids=["full", "test"]
)
def test_all_runs_every_recipe(name, folder):
    project = load_project(
        name, params=ROOT / "params.yaml", experiments=folder / "experiments", datasets=folder / "datasets",
        methods=recipes_folder(),
    )  # fmt: skip
    assert list(project.recipes) == sorted(names())
    assert project.recipes["cgan"].target == "ndsm"  # as the experiment changes it

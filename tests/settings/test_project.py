"""An experiment is refused before anything runs if a method cannot use a scene as its recipe requires."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from img2height.errors import SettingsError
from img2height.methods import recipes_folder
from img2height.settings.project import Project, load_project, load_recipe
from img2height.settings.symmetries import MIRROR

ROOT = Path(__file__).parents[2]
SENSORS = {"sar": {}, "stereo": {}}
CITY = {name: {"city": {"seed": n, "size_px": 192, **SENSORS}} for n, name in enumerate("abc")}
ABOUT = {"title": "t", "source": "s", "licence": "l", "vertical_reference": "v"}
RADAR = {"inputs": {"sar": ["hh", "vv"]}}


def project(
    folder: Path, method: str, recipe: dict | None = None, scenes: dict | None = None, roles: dict | None = None
) -> Project:
    """Return the project of one method on scenes of the synthetic city."""
    experiment = {
        "name": "try", "title": "t", "scenes": {"city": roles or {"a": "train", "b": "val", "c": "test"}},
        "methods": [method], "recipes": {method: recipe or {}},
    }  # fmt: skip
    files = {"experiments/try": experiment, "datasets/city": {"name": "city", **ABOUT, "scenes": scenes or CITY}}
    for name, value in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(value))
    return load_project(
        "try", params=ROOT / "params.yaml", experiments=folder / "experiments", datasets=folder / "datasets",
        methods=recipes_folder(),
    )  # fmt: skip


def turned(look_deg: float) -> dict:
    """Return the scenes with another look direction of the radar in the training district."""
    radar = {"city": {**CITY["a"]["city"], "sar": {"look_azimuth_deg": look_deg}}}
    return {**CITY, "a": radar}


def test_a_radar_is_not_rotated(tmp_path):
    with pytest.raises(SettingsError, match=r"augmentation\.dihedral would .* radar of scene city/a, .* 180 deg"):
        project(tmp_path, "unet", {**RADAR, "augmentation": {"dihedral": True}})
    assert project(tmp_path, "unet", {**RADAR, "augmentation": {"dihedral": False}}).symmetries == {"unet": [0]}
    mirror = {**RADAR, "augmentation": {"dihedral": False, "mirror": True}}
    assert project(tmp_path, "unet", mirror).symmetries == {"unet": [0, MIRROR]}
    with pytest.raises(SettingsError, match=r"augmentation\.mirror would .* whose look azimuth is 90 degrees"):
        project(tmp_path, "unet", mirror, turned(90.0))


def test_only_training_scenes_limit_the_symmetries(tmp_path):
    roles = {"a": "test", "b": "val", "c": "train"}
    mirror = {**RADAR, "augmentation": {"dihedral": False, "mirror": True}}
    assert project(tmp_path, "unet", mirror, turned(90.0), roles).symmetries == {"unet": [0, MIRROR]}


def test_a_layer_that_a_scene_lacks_is_named(tmp_path):
    scenes = {**CITY, "b": {"city": {"seed": 7, "size_px": 192}}}
    with pytest.raises(SettingsError, match=r"method resdepth_0 needs dsm_initial, .*scene city/b has only eo, "):
        project(tmp_path, "resdepth_0", scenes=scenes)


def test_a_scene_may_lack_optional_layers_but_not_all(tmp_path):
    scenes = {**CITY, "b": {"city": {"seed": 7, "size_px": 192}}}
    assert project(tmp_path, "omniheight", scenes=scenes).recipes["omniheight"].merged_views == []
    changes = {"inputs": {"sar": ["hh"], "views": ["first"]}, "optional": ["sar", "views"]}
    with pytest.raises(SettingsError, match=r"needs at least one of sar, views, but scene city/b has only eo, "):
        project(tmp_path, "omniheight", changes, scenes)


def test_a_reference_that_a_scene_lacks_is_named(tmp_path):
    image = {"eo": {"path": "eo.tif", "bands": ["red", "green", "blue", "nir"]}}
    heights = {name: {"path": f"{name}.tif", "unit": "metre"} for name in ("dsm", "dtm")}
    without = {name: {"layers": image | heights} for name in "abc"}
    assert project(tmp_path, "unet", scenes=without).recipes  # ndsm is made of the two
    for method in ("fusionheightnet_a1", "fusionheightnet_a4"):
        with pytest.raises(SettingsError, match="learns building_height, but scene city/a has no building"):
            project(tmp_path, method, scenes=without)
        outlines = {"building_polygons": {"path": "buildings.gpkg"}}  # the mask is made of them
        outlined = {name: {"layers": image | heights | outlines} for name in "abc"}
        assert project(tmp_path, method, scenes=outlined).recipes
    with pytest.raises(SettingsError, match="learns ndsm, but scene city/a has no ndsm"):
        project(tmp_path, "unet", scenes={name: {"layers": image} for name in "abc"})


@pytest.mark.parametrize(("scene", "part"), [("a", "train"), ("b", "val"), ("c", "test")])
def test_a_scene_without_a_pair_for_its_part_is_named(tmp_path, scene, part):
    others = [other for other in ("train", "val", "test") if other != part]
    scenes = {**CITY, scene: {**CITY[scene], "pairs": [{"first": 1, "second": 2, "use": others}]}}
    with pytest.raises(SettingsError, match=f"needs views, but scene city/{scene} has no pair for {part}"):
        project(tmp_path, "resdepth_stereo", scenes=scenes)
    assert project(tmp_path, "resdepth_0", scenes=scenes).recipes


def test_a_divided_scene_needs_pairs_for_all_parts(tmp_path):
    scenes = {"a": {**CITY["a"], "pairs": [{"first": 1, "second": 2, "use": ["train", "test"]}]}}
    with pytest.raises(SettingsError, match="scene city/a has no pair for val"):
        project(tmp_path, "resdepth_mono", scenes=scenes, roles={"a": "split"})
    assert project(tmp_path, "resdepth_mono", scenes={"a": CITY["a"]}, roles={"a": "split"}).folds == [0, 1, 2, 3, 4]


def test_windows_must_fit_the_network(tmp_path):
    with pytest.raises(SettingsError, match="needs tiles and windows of a multiple of 36 px"):
        project(tmp_path, "resdepth_0", {"tile_multiple": 36})


@pytest.mark.parametrize("optimizer", [None, "adam", [], {"name": ["adam"], "lr": 0.1}])
def test_an_invalid_optimizer_is_refused_in_one_line(tmp_path, optimizer):
    with pytest.raises(SettingsError, match=r"^method unet: optimizer"):
        project(tmp_path, "unet", {"optimizer": optimizer})


@pytest.mark.parametrize("test", [[], [[0.75, 1.0]]])
def test_a_scene_without_a_test_fraction_is_not_tested(tmp_path, test):
    found = project(tmp_path, "unet", roles={"a": "split", "b": "val", "c": "test"})
    parts = found.params.split.parts.model_copy(update={"test": test})
    split = found.params.split.model_copy(update={"strategy": "fraction", "parts": parts})
    divided = dataclasses.replace(found, params=found.params.model_copy(update={"split": split}))
    assert divided.test_scenes == [("city", "a"), ("city", "c")] if test else [("city", "c")]


COLOURS = ["red", "green", "blue"]
HEIGHTS = {"dsm": {"path": "dsm.tif"}, "ndsm": {"path": "ndsm.tif"}}
SGD = {"name": "sgd", "lr": 0.1, "options": {"betas": None, "eps": None}}


def delivered(bands: list[str], **layers: dict) -> dict:
    return {"layers": {"eo": {"path": "eo.tif", "bands": bands}, **HEIGHTS, **layers}}


def test_a_band_that_a_scene_lacks_is_named(tmp_path):
    scenes = {name: delivered(COLOURS) for name in "abc"}
    assert project(tmp_path, "unet", scenes=scenes).recipes
    for name in "abc":
        others = {**scenes, name: delivered(["red", "green", "nir"])}
        with pytest.raises(SettingsError, match=f"unet needs blue of eo, but scene city/{name} has only red, "):
            project(tmp_path, "unet", scenes=others)
        assert project(tmp_path, "unet", {"inputs": {"eo": ["red", "green"]}}, others).recipes
    unsaid = {**scenes, "c": {"layers": {"eo": {"path": "eo.tif"}, **HEIGHTS}}}  # the file may say
    assert project(tmp_path, "unet", scenes=unsaid).recipes


def test_surfaces_are_scored_only_where_there_is_terrain(tmp_path):
    """Training and validation scenes need none."""
    initial, terrain = {"dsm_initial": {"path": "d.tif"}}, {"dtm": {"path": "t.tif"}}
    scenes = {name: delivered(COLOURS, **initial) for name in "ab"}
    assert project(tmp_path, "resdepth_0", scenes={**scenes, "c": delivered(COLOURS, **initial, **terrain)}).recipes
    with pytest.raises(SettingsError, match=r"resdepth_0 predicts dsm, which .*, but scene city/c has no dtm: add"):
        project(tmp_path, "resdepth_0", scenes={**scenes, "c": delivered(COLOURS, **initial)})


@pytest.mark.parametrize(("scene", "part"), [("b", "val"), ("c", "test")])
def test_pixels_of_another_size_are_refused(tmp_path, scene, part):
    larger = {**CITY, scene: {"city": {**CITY[scene]["city"], "gsd_m": 0.7}}}
    with pytest.raises(SettingsError, match=rf"city/{scene} has pixels of 0\.7 m, but the training scenes of 0\.5"):
        project(tmp_path, "unet", scenes=larger)
    alike = {**CITY, scene: {"city": {**CITY[scene]["city"], "gsd_m": 0.6}}}
    assert project(tmp_path, "unet", scenes=alike).recipes


@pytest.mark.parametrize(
    ("method", "changes", "words"),
    [
        ("unet", {"loss": []}, "loss: "),
        ("unet", {"outputs": ["height", "footprint"], "loss": [{"name": "dice"}]}, "outputs name height, but no term"),
        ("unet_buildings", {"loss": [{"name": "l2"}, {"name": "dice"}]}, "outputs name wall, but no term"),
        ("unet_buildings", {"outputs": ["height", "footprint"]}, "outputs must name wall"),
        (
            "unet_buildings",
            {"outputs": ["height", "wall"], "loss": [{"name": "l2"}, {"name": "dice", "of": "wall"}]},
            "must name footprint with wall",
        ),
        ("fusionheightnet_a1", {"loss": [{"name": "dice"}, {"name": "l1"}]}, "outputs must name height"),
        ("unet_ms", {"normalisation": {"image": "imagenet"}}, "imagenet is of red, green and blue; inputs name "),
        ("cgan", {"outputs": ["footprint"], "loss": [{"name": "dice"}], "select": "footprint_error"}, "judges heights"),
        ("unet", {"select": "footprint_error"}, "outputs do not name footprint"),
        ("cgan", {"discriminator": {"optimizer": SGD}}, "share one optimiser: set its name to adam"),
        ("cgan", {"discriminator": {"optimizer": {"gradient_clip": 1.0}}}, "and leave out gradient_clip"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(method, changes, words):
    with pytest.raises(SettingsError, match=f"method {method}: .*{words}"):
        load_recipe(recipes_folder(), method, changes)


def test_the_order_of_the_inputs_does_not_matter():
    """Neither to the network nor to what Snakemake compares and writes for a job."""
    bands = {"sar": ["hh", "vv"], "eo": ["red", "green"]}
    written, turned = (
        load_recipe(recipes_folder(), "unet_sar", {"inputs": {n: bands[n] for n in order}})
        for order in (("sar", "eo"), ("eo", "sar"))
    )
    assert written.model_dump_json() == turned.model_dump_json()
    assert written.inputs["sar"] == bands["sar"]

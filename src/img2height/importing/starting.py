"""The experiment that an import writes to start from: roles of the scenes, and methods that fit their layers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from img2height.importing.adapter import Scene
from img2height.settings.dataset import Dataset, SceneFile
from img2height.settings.experiment import Experiment
from img2height.settings.parsing import parse
from img2height.vocabulary.layers import INITIAL, LAYERS, RADAR
from img2height.vocabulary.parts import PARTS, SPLIT, Role
from img2height.vocabulary.quantities import BUILDINGS, TERRAIN

HELD_OUT = 5  # every fifth group of scenes is tested, as in five folds
TILE_PX, STEP_PX = 256, 16  # of params.yaml; networks need multiples of 16, ResDepth of 32
STRIPES = 5
IMAGES = ("eo", "ms", RADAR)
# For a first look: a fifth of the budget, and one fold of a divided scene.
BUDGET = {"training": {"samples": 8000, "validate_every": 800}}
NOTE = (
    "A first look: one fold, and a fifth of the usual training. To compare methods, remove folds and training,\n"
    "# and name more methods (img2height methods)."
)


class Look(NamedTuple):
    """What an experiment has to know of a scene.

    Attributes:
        role: see `roles_of`.
        side_px: side of the largest tile that fits into each part.
        bands: of each image layer.
        may_lack: whether its image may have missing pixels.
    """

    role: Role
    side_px: int
    bands: dict[str, list[str]]
    may_lack: bool


def start_experiment(dataset: Dataset, looks: Mapping[str, Look], params: Mapping[str, Any]) -> Experiment | None:
    """Return an experiment on all scenes of a dataset; None if they have no image or no reference, or are too few.

    Args:
        dataset: its settings.
        looks: by scene.
        params: what its adapter changes in params.yaml.
    """
    roles = {name: look.role for name, look in looks.items()}
    recipes = _recipes(list(dataset.scenes.values()), next(iter(looks.values())).bands)
    if not recipes or not (SPLIT in roles.values() or set(PARTS) <= set(roles.values())):
        return None
    value: dict[str, Any] = {
        "name": dataset.name, "title": dataset.title, "scenes": {dataset.name: roles}, "methods": list(recipes),
        "params": {**BUDGET, **params, **_params(list(looks.values()), _multiple(recipes))},
        "recipes": {name: changes for name, changes in recipes.items() if changes},
    }  # fmt: skip
    if SPLIT in roles.values():
        value["folds"] = [0]
    return parse(Experiment, {key: found for key, found in value.items() if found}, f"experiment {dataset.name}")


def _multiple(recipes: Mapping[str, Any]) -> int:
    """Return the pixels of which the side of a tile is a multiple."""
    return 2 * STEP_PX if any(name.startswith("resdepth") for name in recipes) else STEP_PX


def _params(looks: list[Look], step_px: int) -> dict[str, Any]:
    """Return what differs from params.yaml: smaller tiles for small scenes, and images with missing pixels."""
    side = max(step_px, min(look.side_px for look in looks) // step_px * step_px)
    params: dict[str, Any] = {}
    if side < TILE_PX:
        params = {"tiling": {"tile_px": side, "stride_px": side // 2}, "inference": {"window_px": side}}
        params["metrics"] = {"tile_px": side}
    if any(look.may_lack for look in looks):
        params.setdefault("metrics", {})["allow_missing"] = True
    return params


def largest_tile_px(width: int, height: int, role: Role) -> int:
    """Return the side of a tile that fits into a scene, or into a stripe from which half a tile was cut."""
    return min(height, width // STRIPES // 2 if role == SPLIT else width)


def roles_of(scenes: Mapping[str, Scene]) -> dict[str, Role]:
    """Return the role of each scene: as published; otherwise it is divided, or belongs to a group that has one role.

    Every fifth group is tested, and the one after it validates. If no scene was published for validation, the last
    one for training takes its place; if the delivery lacks a part altogether, all its scenes are divided.
    """
    order = list(dict.fromkeys(scene.group for scene in scenes.values() if scene.group and not scene.role))
    turns: dict[int, Role] = {0: "test", 1: "val"}
    of_group = {group: turns.get(number % min(HELD_OUT, len(order)), "train") for number, group in enumerate(order)}
    roles = {name: scene.role or (of_group[scene.group] if scene.group else SPLIT) for name, scene in scenes.items()}
    trained = [name for name, role in roles.items() if role == "train"]
    if "val" not in roles.values() and len(trained) > 1:
        roles |= {name: "val" for name in trained if _together(scenes[name], scenes[trained[-1]])}
    if not set(PARTS) <= set(roles.values()) and not any(scene.group for scene in scenes.values()):
        return dict.fromkeys(roles, SPLIT)
    return roles


def _together(scene: Scene, other: Scene) -> bool:
    return scene is other or (scene.group is not None and scene.group == other.group)


def _recipes(scenes: list[SceneFile], bands: Mapping[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Return what is changed in the recipes of methods that can be trained on all scenes, by method."""
    shared = set.intersection(*(set(scene.names) for scene in scenes))
    above = LAYERS["ndsm"].is_among(shared)
    if INITIAL in shared and {"dsm", "dtm"} <= shared:
        refined = "resdepth_stereo" if all(scene.pairs for scene in scenes) else "resdepth_0"
        return {refined: {}, "initial_dsm": {}}
    image = next((layer for layer in IMAGES if layer in shared), None)
    if image is None or not (above or "dtm" in shared):
        return {}
    names = {"unet": bands[image], "mean_height": bands[image][:1]}
    if above:
        names["zero_height"] = bands[image][:1]
    target = {} if above else {"target": TERRAIN}
    if any(ndsm.quantity == BUILDINGS for scene in scenes if (ndsm := scene.layers.get("ndsm"))):
        target = {"target": BUILDINGS}
    usual = image == "eo" and {"red", "green", "blue"} <= set(bands[image])  # as in the recipes
    return {name: target if usual else {"inputs": {image: used}, **target} for name, used in names.items()}

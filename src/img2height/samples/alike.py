"""Checks that all scenes agree with the training scenes for a method: bands, data types, pixel size."""

from collections.abc import Mapping, Sequence

import pandas

from img2height.errors import DataError, TrainingError
from img2height.io.rasters import open_raster
from img2height.io.tables import by_columns
from img2height.scenes.scene import Scene
from img2height.settings.recipe import Recipe
from img2height.vocabulary.layers import VIEWS, view_name
from img2height.vocabulary.tiles import GSD_TOLERANCE


def layer_types(recipe: Recipe, scenes: Sequence[Scene]) -> dict[str, str]:
    """Return the data type of each input layer, because grey values of other types have another meaning.

    Args:
        recipe: of the method; its optional layers that no scene has are left out.
        scenes: the training scenes.

    Raises:
        TrainingError: it differs between scenes.
    """
    dtypes = {}
    for layer in recipe.inputs:
        having = [scene for scene in scenes if layer not in recipe.optional or _has(scene, layer)]
        found = {f"{scene.dataset}/{scene.name}": _dtype(scene, layer) for scene in having}
        if len(set(found.values())) > 1:
            listed = ", ".join(f"{name} {dtype}" for name, dtype in found.items())
            raise TrainingError(f"layer {layer} has different data types: {listed}; deliver it in one type")
        if found:
            dtypes[layer] = next(iter(found.values()))
    return dtypes


def refuse_unlike(recipe: Recipe, scenes: Sequence[Scene], areas: pandas.DataFrame) -> None:
    """Raise an error if a model of this recipe could not be trained, or could not predict the test areas of its fold.

    Args:
        recipe: recipe of the method.
        scenes: scenes of the experiment.
        areas: fold, part, dataset and scene of each area.

    Raises:
        DataError: a scene lacks a band, or a validation or test scene has pixels of another type or size.
        TrainingError: the training scenes have different data types.
    """
    for scene in scenes:
        for layer, bands in recipe.inputs.items():
            if layer != VIEWS and (layer in recipe.required or _has(scene, layer)):
                scene.band_indexes(layer, bands)
    for _, own in by_columns(areas, ["fold"]):
        trained = scenes_of(scenes, own, "train")
        dtypes = layer_types(recipe, trained)
        for scene in scenes_of(scenes, own, "val", "test"):
            _compare_types(scene, {n: t for n, t in dtypes.items() if n in recipe.required or _has(scene, n)})
            _compare_sizes(scene, trained[0])


def scenes_of(scenes: Sequence[Scene], areas: pandas.DataFrame, *parts: str) -> list[Scene]:
    """Return the scenes that have an area, or a tile, of one of these parts, in order.

    Args:
        scenes: to choose from.
        areas: part, dataset and scene of each area or tile.
        parts: train, val or test.
    """
    own = areas[areas["part"].isin(parts)]
    names = set(zip(own["dataset"], own["scene"], strict=True))
    return [scene for scene in scenes if (scene.dataset, scene.name) in names]


def _compare_types(scene: Scene, trained: Mapping[str, str]) -> None:
    for layer, dtype in trained.items():
        if (found := _dtype(scene, layer)) != dtype:
            raise DataError(
                f"layer {layer} of scene {scene.dataset}/{scene.name} is {found}, but {dtype} in the training scenes; "
                "scale both alike before delivery (gdal_translate -ot -scale), or leave the scene out"
            )


def _compare_sizes(scene: Scene, trained: Scene) -> None:
    trained_m = trained.grid.gsd_m
    if any(abs(side / trained_m - 1) > GSD_TOLERANCE for side in scene.grid.pixel_m):
        raise DataError(
            f"scene {scene.dataset}/{scene.name} has pixels of {scene.grid.gsd_m:.3g} m, but the training scene "
            f"{trained.dataset}/{trained.name} of {trained_m:.3g} m; bring both to one size (grid: {{gsd_m: …}} in the "
            "dataset file), or leave the scene out"
        )


def _has(scene: Scene, layer: str) -> bool:
    return _raster(layer) in scene.layers


def _raster(layer: str) -> str:
    return view_name(1) if layer == VIEWS else layer


def _dtype(scene: Scene, layer: str) -> str:
    with open_raster(scene.path(_raster(layer))) as raster:
        return raster.dtypes[0]

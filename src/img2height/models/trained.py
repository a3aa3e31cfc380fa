"""What a training may start from: weights of the same network that were not trained on test areas."""

from collections.abc import Iterator, Mapping, Sequence

import geopandas
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.errors import TrainingError
from img2height.io.grid import Grid
from img2height.io.projections import GEOGRAPHIC
from img2height.models.card import Card, TrainedOn, UsedAreas
from img2height.samples.alike import layer_types
from img2height.scenes.scene import Scene
from img2height.settings.recipe import Recipe
from img2height.tiles.areas import area_of
from img2height.vocabulary.tiles import GSD_TOLERANCE

PARTS_USED = ("train", "val")  # the validation area chooses the best weights
LEAST_PX = 1.0  # a smaller overlap is rounding of coordinates


def require_same_network(recipe: Recipe, started: Recipe) -> None:
    """Raise a TrainingError unless a model fits a recipe; weights only fit the normalisation they were trained with.

    Args:
        recipe: of a training, with the model folder that it starts from.
        started: the recipe of that model.
    """
    for key in ("network", "options", "inputs", "outputs", "target", "normalisation"):
        if (wanted := getattr(recipe, key)) != (found := getattr(started, key)):
            raise TrainingError(
                f"init_from {recipe.init_from}: its {key} is {found}, but the recipe's is {wanted}; "
                "start from a model of the same network, or train from scratch"
            )


def require_same_pixels(recipe: Recipe, card: Card, scenes: Sequence[Scene]) -> None:
    """Raise a TrainingError unless a model was trained on pixels like these, whose values and sizes mean the same.

    Args:
        recipe: of a training, with the model folder that it starts from.
        card: of that model; data types that it does not record fit any.
        scenes: the training scenes.
    """
    for layer, found in layer_types(recipe, scenes).items():
        if (trained := card.dtypes.get(layer)) not in (None, found):
            raise TrainingError(
                f"init_from {recipe.init_from}: it was trained on {trained} pixels of layer {layer}, but those of the "
                f"training scenes are {found}; scale them as its images were (gdal_translate -ot -scale), or train "
                "from scratch"
            )
    for scene in scenes:
        if any(abs(side / card.gsd_m - 1) > GSD_TOLERANCE for side in scene.grid.pixel_m):
            raise TrainingError(
                f"init_from {recipe.init_from}: it was trained on pixels of {card.gsd_m:.3g} m, but scene "
                f"{scene.dataset}/{scene.name} has pixels of {scene.grid.gsd_m:.3g} m; bring the scene to that size "
                "(grid: {gsd_m: …} in the dataset file), or train from scratch"
            )


def trained_before(recipe: Recipe, card: Card | None) -> TrainedOn:
    """Return what the weights that a training starts from were trained on.

    Args:
        recipe: of the training.
        card: of the model that it starts from; None if there is none.

    Raises:
        TrainingError: the card was written by a version that did not record it.
    """
    weights = recipe.options.get("weights") or "none"
    unrecorded = [] if weights == "none" else [f"encoder weights {weights}"]
    if card is None:
        return TrainedOn(areas=[], before=[], unrecorded=unrecorded)
    if card.trained_on is None:
        raise TrainingError(
            f"init_from {recipe.init_from}: its card does not say on which areas it was trained, because an earlier "
            "version wrote it; train it again, or import it again"
        )
    found = card.trained_on
    unrecorded = list(dict.fromkeys([*found.unrecorded, *unrecorded]))
    return TrainedOn(areas=[], before=found.areas + found.before, unrecorded=unrecorded)


def with_areas(before: TrainedOn, scenes: Sequence[Scene], areas: geopandas.GeoDataFrame, fold: int) -> TrainedOn:
    """Return what the weights of one fold were trained on, for the model card.

    Args:
        before: see `trained_before`.
        scenes: of the experiment.
        areas: the areas of the parts, see `split_folds`.
        fold: its number.
    """
    used = []
    for scene in scenes:
        found = {part: area_of(areas, part, scene.dataset, scene.name, fold) for part in PARTS_USED}
        if outlines := {part: shapely.to_wkt(area) for part, area in found.items() if not area.is_empty}:
            layers = {name: layer.sha256 for name, layer in scene.layers.items()}
            grid = scene.grid.to_json()
            used.append(UsedAreas(dataset=scene.dataset, scene=scene.name, grid=grid, layers=layers, **outlines))
    return before.model_copy(update={"areas": used})


def trained_m2(
    used: Sequence[UsedAreas], scenes: Sequence[Scene], areas: geopandas.GeoDataFrame, part: str, fold: int
) -> dict[str, float]:
    """Return by scene how many square metres of one part of a fold were used in training; other scenes are left out.

    Areas are compared on the map, so that another scene of the same place counts.

    Args:
        used: see `TrainedOn`.
        scenes: of the experiment.
        areas: the areas of the parts, see `split_folds`.
        part: train, val or test.
        fold: its number.
    """
    if not used:
        return {}
    grids = [Grid.from_json(entry.grid) for entry in used]
    outlines = shapely.STRtree([grid.to_crs(grid.extent, GEOGRAPHIC) for grid in grids])
    found = {}
    for scene in scenes:
        area = area_of(areas, part, scene.dataset, scene.name, fold)
        place = scene.grid.to_crs(scene.grid.extent, GEOGRAPHIC)
        near: list[int] = [] if area.is_empty else outlines.query(place).tolist()
        shared = [
            grids[number].seen_from(scene.grid, piece) for number in sorted(near) for piece in _pieces(used[number])
        ]
        if (shared_px := shapely.union_all(shared).intersection(area).area) >= LEAST_PX:
            found[f"{scene.dataset}/{scene.name}"] = shared_px * scene.grid.gsd_m**2
    return found


def refuse_tested(
    recipe: Recipe, before: TrainedOn, scenes: Sequence[Scene], areas: geopandas.GeoDataFrame, folds: Sequence[int]
) -> None:
    """Raise a TrainingError if a fold tests areas that its starting weights were trained on.

    Args:
        recipe: of the training.
        before: see `trained_before`.
        scenes: of the experiment.
        areas: the areas of the parts, see `split_folds`.
        folds: their numbers.
    """
    for fold in folds:
        if found := trained_m2(before.before, scenes, areas, "test", fold):
            raise TrainingError(
                f"init_from {recipe.init_from}: it, or a model that it started from, was trained or validated on "
                f"{in_words(found)}, which fold {fold} tests; start from a model of another place, test other scenes, "
                "or train from scratch"
            )


def in_words(found: Mapping[str, float]) -> str:
    """Return areas by scene as words, e.g. `1200 m2 of scene d/s`."""
    return ", ".join(f"{area_m2:.6g} m2 of scene {scene}" for scene, area_m2 in found.items())


def _pieces(entry: UsedAreas) -> Iterator[BaseGeometry]:
    return (shapely.from_wkt(outline) for outline in (entry.train, entry.val) if outline is not None)

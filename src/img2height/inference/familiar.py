"""Describes the tiles that a model was trained on and validated with."""

from collections.abc import Iterator, Sequence
from itertools import product

import geopandas
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.familiarity.describe import describe
from img2height.familiarity.familiarity import Described, Familiarity
from img2height.familiarity.fit import fit_familiarity
from img2height.inference.inputs import ModelInputs, open_inputs
from img2height.inference.sampled import spread
from img2height.io.areas import area_mask
from img2height.io.grid import Grid
from img2height.models.folder import LoadedModel
from img2height.scenes.pairs import pairs_of
from img2height.scenes.scene import Scene
from img2height.scoring.errors import tiles_in
from img2height.settings.recipe import Recipe
from img2height.tiles.areas import area_of
from img2height.vocabulary.layers import INITIAL, VIEWS

MOST_TILES = 256  # per part, of all scenes together: as many as the normalisation is fitted to


def find_familiarity(
    model: LoadedModel, scenes: Sequence[Scene], areas: geopandas.GeoDataFrame, fold: int, window_px: int
) -> Familiarity:
    """Return what a model has seen in the training area of its fold; its validation area shows what is normal.

    Args:
        model: the model.
        scenes: of the experiment.
        areas: the areas of the parts, see `split_folds`.
        fold: its number.
        window_px: side of the tiles of a model that does not record it.

    Raises:
        Img2HeightError: a scene cannot be read.
    """
    tile_px = model.card.tile_px or window_px
    tiles = {part: list(_tiles(model, scenes, areas, fold, part, tile_px)) for part in ("train", "val")}
    return fit_familiarity(
        [tile for _, tile in tiles["train"]], [tile for _, tile in tiles["val"]], model.inputs,
        model.card.weights_sha256, sorted({name for name, _ in tiles["train"]}), tile_px,
    )  # fmt: skip


def _tiles(
    model: LoadedModel, scenes: Sequence[Scene], areas: geopandas.GeoDataFrame, fold: int, part: str, tile_px: int
) -> Iterator[tuple[str, Described]]:
    """Yield dataset/scene and description of evenly spaced tiles of a part, with each of its pairs of views."""
    found = [(scene, area_of(areas, part, scene.dataset, scene.name, fold)) for scene in scenes]
    found = spread([(scene, area) for scene, area in found if not area.is_empty], MOST_TILES)
    for scene, area in found:
        pairs, windows = _pairs(scene, part, model.recipe), tiles_in(area, scene.grid, tile_px)
        chosen = spread(list(product(range(len(pairs)), windows)), max(1, MOST_TILES // len(found)))
        for number, views in enumerate(pairs):
            with open_inputs(model, scene, views) as images:
                for window in [window for pair, window in chosen if pair == number]:
                    tile = whole_tile(window.col_off, window.row_off, scene.grid, tile_px)
                    yield f"{scene.dataset}/{scene.name}", described(images, tile, area)


def whole_tile(left: int, top: int, grid: Grid, side_px: int) -> Window:
    """Return a tile, moved back at the end of the grid: the few pixels of a clipped one look like no other tile.

    Args:
        left: its first column.
        top: its first row.
        grid: of the scene; a smaller one has one tile, which reaches beyond it.
        side_px: side of the tile.
    """
    column, row = max(0, min(left, grid.width - side_px)), max(0, min(top, grid.height - side_px))
    return Window(column, row, side_px, side_px)


def _pairs(scene: Scene, part: str, recipe: Recipe) -> list[list[int]]:
    """Return the numbers of the views of all pairs of a part; a single empty list without views."""
    if VIEWS not in recipe.inputs or not scene.views:
        return [[]]
    pairs: list[list[int]] = pairs_of([scene], part, recipe)[recipe.inputs[VIEWS]].to_numpy().tolist()
    return pairs


def described(images: ModelInputs, window: Window, area: BaseGeometry | None = None) -> Described:
    """Return the description of a tile, by layer; None for a layer of which too few pixels are valid.

    Heights of a surface are relative to their mean, as the network sees them.

    Args:
        images: the inputs of a model in a scene.
        window: the tile.
        area: only pixels inside count, polygon in pixel coordinates; None takes all.
    """
    patch, found = images.rows(window), {}
    for layer, image in patch.images.items():
        valid = patch.valids[layer] if area is None else patch.valids[layer] & area_mask(area, patch.window)
        level = image[:, valid].mean(dtype=float) if layer == INITIAL and valid.any() else 0
        found[layer] = describe(image - level, valid)
    return found

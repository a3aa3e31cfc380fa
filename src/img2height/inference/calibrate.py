"""Calibrates the intervals of a model: predicts its validation area and compares it with the reference."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import geopandas
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.conformal.calibration import Calibration, calibrate
from img2height.conformal.margins import Errors
from img2height.inference.plan import Task
from img2height.inference.predict import check_task, finish_strips
from img2height.inference.sampled import spread
from img2height.inference.stitch import merge_pairs
from img2height.io.areas import window_box
from img2height.io.grid import Grid
from img2height.metrics.correlation import CorrelationStatistics, block_side
from img2height.models.folder import LoadedModel
from img2height.scenes.pairs import views_together
from img2height.scenes.scene import Scene
from img2height.scoring.errors import Located, SceneErrors, scene_errors, tiles_in
from img2height.settings.protocol import Inference
from img2height.tiles.areas import area_of

MOST_TILES = 400  # of all scenes together: more would cost without making the quantiles more certain
LEAST_PX = 16  # smallest side of a block
MOST_BLOCKS = 1000  # for the same reason
MARGIN_PX = 2**21  # between the rows of two scenes, so that no block has pixels of both


def calibrate_model(
    model: LoadedModel, scenes: Sequence[Scene], areas: geopandas.GeoDataFrame, fold: int, settings: Inference,
    scratch: Path,
) -> Calibration:  # fmt: skip
    """Return the calibration of a model on the validation area of its fold.

    Args:
        model: the model.
        scenes: of the experiment.
        areas: the areas of the parts, see `split_folds`.
        fold: its number.
        settings: windows and batches, as in the prediction of the test area.
        scratch: folder for the predictions, which are removed.

    Raises:
        Img2HeightError: a scene cannot be predicted.
    """
    tile_px = model.card.tile_px or settings.window_px
    validated = [(scene, area_of(areas, "val", scene.dataset, scene.name, fold)) for scene in scenes]
    validated = spread([(scene, area) for scene, area in validated if not area.is_empty], MOST_TILES)
    most, found = max(1, MOST_TILES // max(len(validated), 1)), []
    for scene, area in validated:
        some = _some_tiles(area, scene.grid, tile_px, most)
        height_tif = _predict(model, scene, some, settings, scratch / scene.dataset / scene.name)
        found.append(scene_errors(height_tif, scene, some, tile_px))
    side_px = _block_side(found, tile_px)
    return calibrate(
        _joined((each.pixels for each in found), side_px),
        _joined((each.buildings for each in found), side_px),
        model.card.weights_sha256,
        [f"{scene.dataset}/{scene.name}" for scene, _ in validated],
        side_px * model.card.gsd_m,
    )


def _block_side(found: Sequence[SceneErrors], tile_px: int) -> int:
    """Return the side of the blocks in pixels: twice the correlation length of the errors, and not too many blocks."""
    length_px = sum((each.correlation for each in found), CorrelationStatistics()).length_px()
    side_px = block_side([float(tile_px) if length_px is None else length_px], LEAST_PX, 1.0)
    while len(np.unique(_joined((each.pixels for each in found), side_px).block)) > MOST_BLOCKS:
        side_px *= 2
    return side_px


def _some_tiles(area: BaseGeometry, grid: Grid, tile_px: int, most: int) -> BaseGeometry:
    """Return the part of an area in at most so many tiles, evenly spaced in the order of their rows."""
    windows = tiles_in(area, grid, tile_px)
    if len(windows) <= most:
        return area
    some = shapely.union_all([window_box(window) for window in spread(windows, most)]).intersection(area)
    return shapely.MultiPolygon([part for part in shapely.get_parts(some) if part.geom_type == "Polygon"])  # no edges


def _predict(model: LoadedModel, scene: Scene, area: BaseGeometry, settings: Inference, folder: Path) -> Path:
    """Return the heights of an area: of a method that uses pairs of views, their median over the pairs."""
    heights = []
    for number, numbers in enumerate(views_together(scene, "val", model.recipe)):
        shutil.rmtree(strips_folder := folder / f"strips{number}", ignore_errors=True)  # of a killed run
        task = Task(model, scene, numbers, settings, strips_folder, area).with_engine(["auto"])
        check_task(task)
        strips = finish_strips(task, ["auto"], model.card.training.threads, progress=False)
        heights.append(folder / f"height{number}.tif")
        strips.write_bands(slice(1), heights[-1])
        strips.remove()
    if len(heights) == 1:
        return heights[0]
    merge_pairs(heights, scene.grid, merged := folder / "height.tif")
    return merged


def _joined(parts: Iterator[Located], side_px: int) -> Errors:
    """Return the errors of all scenes with the numbers of their blocks."""
    listed = list(parts)
    blocks = [
        (number * MARGIN_PX + each.row // side_px) * MARGIN_PX + each.column // side_px
        for number, each in enumerate(listed)
    ]
    height_m, error_m = (
        np.concatenate([np.zeros(0, np.float32), *(each[place] for each in listed)]) for place in range(2)
    )
    return Errors(height_m, error_m, np.concatenate([np.zeros(0), *blocks]).astype(np.int64))

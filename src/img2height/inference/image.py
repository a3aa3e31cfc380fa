"""Predicts heights, and buildings, from given rasters, in the same way as the workflow."""

import hashlib
import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import geopandas
import torch

from img2height.buildings.files import write_buildings
from img2height.buildings.origin import with_origin
from img2height.buildings.scene import extract_scene
from img2height.conformal.buildings import with_bounds
from img2height.conformal.calibration import Calibration
from img2height.conformal.raster import Calibrated, write_intervals
from img2height.errors import DataError, ModelError
from img2height.familiarity.familiarity import FAMILIARITY, Familiarity
from img2height.inference.given import Given, given_scene
from img2height.inference.inputs import open_inputs
from img2height.inference.network import bands_of
from img2height.inference.origin import origin_of
from img2height.inference.plan import Task
from img2height.inference.points import write_points
from img2height.inference.predict import check_task, finish_strips
from img2height.inference.record import files_of, record_of, resumable
from img2height.inference.rescaled import bring_to_trained, trained_grid, with_pixels_of
from img2height.inference.tags import TAGS
from img2height.inference.unfamiliar import Unfamiliarity, find_unfamiliar
from img2height.io.atomic import atomic_folder
from img2height.io.grid import Grid
from img2height.io.locks import alone
from img2height.io.projections import require_metres
from img2height.io.rasters import copy_to_cog, open_raster, set_tags
from img2height.models.folder import LoadedModel
from img2height.scenes.initial import bring_initial
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Buildings, Inference
from img2height.vocabulary.layers import INITIAL
from img2height.vocabulary.licences import restricted
from img2height.vocabulary.quantities import ABOVE_GROUND
from img2height.vocabulary.storage import Compression

logger = logging.getLogger(__name__)

DEVICES = ("auto",)


def predict_image(
    model: LoadedModel, given: Given, out: Path, settings: Inference, rules: Buildings, *,
    buildings: Path | None = None, points: Path | None = None, intervals: Path | None = None,
    calibration: Calibration | None = None, unfamiliar: Path | None = None, familiarity: Familiarity | None = None,
    draws: int = 0, dsm_unit: str | None = None,
    compress: Compression = "zstd",
) -> None:  # fmt: skip
    """Write the heights of rasters on one grid as a COG, and their buildings as polygons with heights.

    Rasters whose pixels are up to twice as large or small as those of the training are resampled to them. Everything is
    checked before anything is computed. Intermediate results are in a hidden folder next to `out` until
    all is done: the same call resumes, a different one starts over.

    Args:
        model: see `load_model`.
        given: raster by layer; holes of `dsm_initial` are filled first. Layers that the model does not use are ignored,
            except `eo`, which distinguishes buildings from vegetation.
        out: the COG of heights.
        settings: see `inference_settings`.
        rules: settings of the buildings.
        buildings: the polygons, see `write_buildings`; None writes none.
        points: the point cloud, see `write_points`, coloured by the image `eo`; None writes none.
        intervals: the COG of intervals, see `write_intervals`; None writes none.
        calibration: of the model, for intervals and for those of buildings; None if it has none.
        unfamiliar: the COG of scores, see `Unfamiliarity`; None writes none.
        familiarity: of the model, by which they and a warning are found; None if it has none.
        draws: see `predict_raster`.
        dsm_unit: see `given_scene`.
        compress: of the COG, see `copy_to_cog`.

    Raises:
        ModelError: model and rasters do not fit each other, or the model's heights are not suitable for buildings.
        DataError: a raster cannot be used or written, or another process is writing it.
    """
    if intervals and calibration is None:
        raise ModelError(
            "the model has no calibration.json, so the intervals of its heights are not known; run the rule "
            "calibrate_intervals of the workflow, or leave out --intervals"
        )
    if unfamiliar and familiarity is None:
        raise ModelError(
            f"the model has no {FAMILIARITY}, so nothing is recorded about what it has seen; run the rule "
            "find_familiarity of the workflow, or leave out --unfamiliar"
        )
    if unfamiliar and familiarity and not familiarity.layers:
        raise ModelError(
            "the model was trained on too few tiles to say what is unlike them; leave out --unfamiliar"
        )  # fmt: skip
    task, grid = checked_task(model, given, out.with_name(f".{out.name}.scratch"), settings, draws, dsm_unit)
    if buildings:
        check_buildings(model, task.scene)
    if buildings or points:
        _check_image(task.scene)
    taken = DataError(f"{out}: another process is writing it; wait for it, or choose another name")
    with alone(out, taken), resumable(task.folder, record_of(task, DEVICES, torch.get_num_threads())):
        heights, scene = compute_heights(task, grid, compress)
        if buildings:
            extracted = find_buildings(model, scene, heights, rules, calibration)
            write_buildings(extracted, buildings, f"{model.card.method}/{scene.name}")
        if points:
            _write_points(scene, heights, points)
        if intervals and calibration:
            write_intervals(heights, None, [Calibrated(None, calibration)], intervals)
        if familiarity:
            found = warn_of_unfamiliar(replace(task, scene=scene), familiarity)
            if unfamiliar:
                found.write(unfamiliar)
        heights.replace(out)
    shutil.rmtree(task.folder)


def _rescaled_folder(task: Task) -> Path:
    """Return the folder for resampled rasters; others than a killed run had, also unread by the model, get another."""
    files = files_of(task.scene.path(name) for name in task.scene.layers)
    return task.folder / f"rescaled_{hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12]}"


def checked_task(
    model: LoadedModel, given: Given, folder: Path, settings: Inference, draws: int = 0, dsm_unit: str | None = None
) -> tuple[Task, Grid | None]:
    """Return the prediction of given rasters after all checks, and the grid to which they are resampled first, if any.

    Raises:
        ModelError: model and rasters do not fit each other.
        DataError: a raster cannot be used.
    """
    scene = given_scene(model.inputs, given, dsm_unit, model.recipe.optional)
    task = Task(model, scene, scene.views, settings, folder, draws=draws).with_engine(DEVICES)
    grid = trained_grid(scene.grid, model.card.gsd_m)
    check_task(replace(task, model=with_pixels_of(model, scene.grid)) if grid else task, to_prepare=(INITIAL,))
    return task, grid


def compute_heights(
    task: Task, grid: Grid | None, compress: Compression, *, may_be_empty: bool = False, progress: bool = True
) -> tuple[Path, Scene]:
    """Return the COG of heights, in the folder of the prediction, and the scene with the grid of these heights.

    Args:
        task: see `checked_task`; its folder has been started, see `resumable`.
        grid: likewise.
        compress: see `copy_to_cog`.
        may_be_empty: write missing heights if no pixel is valid, instead of an error.
        progress: show a progress bar on standard error.

    Raises:
        DataError: no pixel is valid.
    """
    scene = bring_to_trained(task.scene, grid, _rescaled_folder(task)) if grid else task.scene
    filled = replace(task, scene=_filled(scene, task.folder))
    strips = finish_strips(filled, DEVICES, torch.get_num_threads(), progress=progress)
    if not may_be_empty and not strips.any_valid():
        strips.remove()
        raise DataError(f"{scene.name}: no pixel is valid, so there is nothing to predict; check its nodata and mask")
    windows, heights = task.folder / "windows.tif", task.folder / "height.tif"
    strips.write(windows)
    set_tags(windows, origin_of(task) | _terms(task.model))
    copy_to_cog(windows, heights, compress=compress)
    windows.unlink()
    return heights, scene


def warn_of_unfamiliar(task: Task, familiarity: Familiarity) -> Unfamiliarity:
    """Return how far the inputs are from those of the training; log a warning if any tile is unlike them.

    Args:
        task: its scene has the pixels of the training, see `compute_heights`.
        familiarity: of the model.
    """
    scene = _filled(task.scene, task.folder)
    with open_inputs(task.model, scene, task.views) as images:
        found = find_unfamiliar(images, familiarity)
    found.warn(scene.name)
    return found


def _terms(model: LoadedModel) -> dict[str, str]:
    """Return tags with the licences of what the model was made from, and what they forbid."""
    licences = model.licences
    tags = {f"{TAGS}LICENCES": "; ".join(f"{name}: {text or 'not recorded'}" for name, text in licences.items())}
    if forbidden := restricted(licences):
        tags[f"{TAGS}TERMS"] = f"not for commercial use: the licence of {', '.join(forbidden)} does not allow it"
    return tags


def check_buildings(model: LoadedModel, scene: Scene) -> None:
    """Fail early if buildings cannot be extracted."""
    quantity = bands_of(model)[0].description
    if quantity not in ABOVE_GROUND:
        raise ModelError(
            f"the model predicts {quantity}, but buildings need heights above ground ({', '.join(ABOVE_GROUND)}); "
            "leave out --buildings, or use a model of these"
        )
    require_metres(scene.grid.crs)


def _check_image(scene: Scene) -> None:
    """Fail early if the image that shows vegetation and colours is on another grid."""
    if "eo" in scene.layers:
        with open_raster(scene.path("eo")) as image:
            Grid.of(image).require(scene.grid, image.name, scene.name)


def find_buildings(
    model: LoadedModel, scene: Scene, heights: Path, rules: Buildings, calibration: Calibration | None = None
) -> geopandas.GeoDataFrame:
    """Return the buildings of predicted heights with their origin; their mask is left in the folder of the heights."""
    logger.info("extracting the buildings")
    classes = heights if model.recipe.classes else None
    found = extract_scene(heights, scene, rules, heights.with_name("footprint.tif"), classes)
    if calibration:
        found = with_bounds(found, scene.grid, [Calibrated(None, calibration)])
    return with_origin(found, model.card.method, [model.card.weights_sha256], scene, None)


def _write_points(scene: Scene, heights: Path, path: Path) -> None:
    """Write the point cloud of predicted heights, in the colours of the image if there is one."""
    logger.info("writing the point cloud")
    if "eo" in scene.layers:
        write_points(heights, path, scene.path("eo"), scene.layers["eo"].bands)
    else:
        write_points(heights, path)


def _filled(scene: Scene, folder: Path) -> Scene:
    """Return the scene with the holes of its initial surface model filled, if it has one, in a copy in a folder."""
    if INITIAL not in scene.layers:
        return scene
    delivered, surface = scene.layers[INITIAL], folder / "surface"
    if not surface.exists():
        with atomic_folder(surface) as making:
            _, count = bring_initial(scene.path(INITIAL), making, delivered.unit)
        logger.info("%s: %d missing pixels were filled from their surroundings", delivered.file, count)
    layer = replace(delivered, file=str(surface / "dsm_initial.tif"))
    return replace(scene, layers={**scene.layers, INITIAL: layer})

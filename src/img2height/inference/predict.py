"""Predicts a scene of any height in overlapping windows; a killed prediction can be resumed."""

from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from shapely.geometry.base import BaseGeometry

from img2height.cpu import set_up_cpu
from img2height.inference.compute import compute_strips
from img2height.inference.defaults import inference_settings
from img2height.inference.devices import compute_on
from img2height.inference.given import Given, given_scene
from img2height.inference.inputs import open_inputs
from img2height.inference.plan import Task
from img2height.inference.record import record_of, resumable
from img2height.inference.strips import Strips
from img2height.inference.values import WINDOWS as LOOKED_AT
from img2height.inference.values import check_values
from img2height.models.folder import LoadedModel, load_model
from img2height.settings.protocol import Inference

FOLDER = ".strips"  # appended to the name of the raster


def predict_raster(
    model: str | Path | LoadedModel, inputs: Given, out: str | Path, settings: Inference | None = None, *,
    area: BaseGeometry | None = None, draws: int = 0, seed: int = 0, devices: Sequence[str] = ("auto",),
    threads: int | None = None, progress: bool = False,
) -> None:  # fmt: skip
    """Write the heights of given rasters as a tiled GeoTIFF on their grid: float32 metres, -9999 where missing.

    A model that predicts classes of pixels, such as footprints, adds a band with the probability of each. Relative
    heights are not in metres: 0 is the lowest and 1 the highest height in a window. With draws, the heights are the
    mean of that many predictions with active dropout, and a last band is their standard deviation. A pixel of an area
    gets the same value as in a prediction of the whole raster, except for the last digits if the network computes
    windows in batches.

    Finished rows of file blocks are kept in `<out>.strips/` until the raster is complete. After a kill the same call
    resumes; another model, image, setting, code or library starts over. On the CPU the bytes are those of an
    uninterrupted prediction, for any number of devices.

    Args:
        model: a model folder, or the result of `load_model`.
        inputs: raster by layer, e.g. `{"eo": Path("image.tif")}`; a list of rasters for `views`.
        out: the raster; appears only when it is complete.
        settings: windows, batches and engine; by default those of params.yaml and of the model's training tiles.
        area: polygon in pixel coordinates; heights outside are missing. By default the whole raster. An empty one
            leaves all heights missing, because not every scene has a test area in every fold.
        draws: number of predictions with active dropout, see `mean_and_spread`; 0 predicts once without dropout.
        seed: of the draws.
        devices: `auto` (a GPU if there is one), or torch's names; several share the strips, with one process each.
        threads: compute threads on a CPU; None keeps torch's number.
        progress: show a progress bar on standard error.

    Raises:
        ModelError: model, inputs and windows do not fit each other, or the engine cannot be used, see `choose_engine`.
        DataError: a raster cannot be read or written, or the area contains no pixel.
    """
    loaded = model if isinstance(model, LoadedModel) else load_model(model)
    scene, out = given_scene(loaded.inputs, inputs, optional=loaded.recipe.optional), Path(out)
    folder, settings = out.with_name(out.name + FOLDER), settings or inference_settings(loaded)
    task = Task(loaded, scene, scene.views, settings, folder, area, draws, seed)
    strips = predict_strips(task, devices=devices, threads=threads, progress=progress)
    strips.write(out)
    strips.remove()


def predict_strips(
    task: Task, *, devices: Sequence[str] = ("auto",), threads: int | None = None, progress: bool = False
) -> Strips:
    """Return the finished strips of a task, for callers who write several rasters together; see `predict_raster`."""
    threads, task = threads or torch.get_num_threads(), task.with_engine(devices)
    check_task(task)
    with resumable(task.folder, record_of(task, devices, threads)):
        return finish_strips(task, devices, threads, progress=progress)


def check_task(task: Task, to_prepare: Container[str] = ()) -> None:
    """Raise those errors of `predict_raster` that can be found before anything is computed, and warn of odd images.

    Args:
        task: to check.
        to_prepare: see `open_inputs`.
    """
    plan = task.plan()
    with open_inputs(task.model, task.scene, task.views, to_prepare) as images:
        check_values(images, plan.sample(LOOKED_AT), plan.grid.window_px)


def finish_strips(task: Task, devices: Sequence[str], threads: int, *, progress: bool) -> Strips:
    """Return the strips of a task after computing the missing ones; its folder has been started, see `resumable`."""
    set_up_cpu(threads)
    strips = task.plan().strips
    if missing := strips.missing():
        _compute(task, strips, missing, devices, threads, progress)
    return strips


def _compute(
    task: Task, strips: Strips, missing: list[int], devices: Sequence[str], threads: int, progress: bool
) -> None:
    parts = [part.tolist() for part in np.array_split(missing, len(devices)) if len(part)]
    if len(parts) == 1:
        compute_strips(task, devices[0], parts[0], threads, progress=progress)
        return
    finished = compute_on(devices, task, strips, parts, threads)
    for _ in track(finished, "Predicting", len(missing), console=Console(stderr=True), disable=not progress):
        pass

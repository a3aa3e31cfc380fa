"""Predicts a raster of any height in overlapping windows; a prediction that was killed goes on where it was."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from shapely.geometry.base import BaseGeometry

from img2height.cpu import set_up_cpu
from img2height.inference import fingerprint
from img2height.inference.compute import compute_strips
from img2height.inference.devices import compute_on
from img2height.inference.inputs import open_inputs
from img2height.inference.network import BFLOAT16, device_of
from img2height.inference.plan import Task
from img2height.inference.precision import check_bfloat16
from img2height.inference.strips import Strips
from img2height.models.folder import LoadedModel, load_model


def predict_raster(
    model: str | Path | LoadedModel, inputs: Mapping[str, Path | Sequence[Path]], out: str | Path, *,
    area: BaseGeometry | None = None, window_px: int = 256, overlap: float = 0.5, batch_size: int | None = None,
    precision: str = "float32", devices: Sequence[str] = ("auto",), threads: int | None = None, progress: bool = False,
    draws: int = 0, seed: int = 0,
) -> None:  # fmt: skip
    """Write the heights of a raster as a tiled GeoTIFF on its grid: float32 metres, -9999 where unknown.

    A model that tells footprints adds a second band, the probability of a building. Relative heights have no metres: 0
    is the lowest and 1 the highest of what a window shows. With draws the heights are the mean of so many predictions
    with active dropout, and a last band is their standard deviation. A pixel of an area gets the same value as when the
    whole raster is predicted, but for the last digits where the network takes windows in batches.

    Finished rows of file blocks lie in `<out>.strips/` until the raster is whole. After a kill or an error the same
    call goes on with the others; other weights, images, settings, code or libraries start over. On the CPU the bytes
    are those of an undisturbed prediction, for any number of devices.

    Args:
        model: a model folder, or what `load_model` returned.
        inputs: raster by layer, e.g. `{"eo": Path("image.tif")}`; a list of rasters for `views`.
        out: the scratch raster; appears only when it is whole.
        area: polygon in pixel coordinates; heights outside are unknown. None takes the whole raster. An empty one
            leaves all unknown: not every scene has test ground in every fold.
        window_px: side of a window, a multiple of the model's tile multiple.
        overlap: least share of a window that its neighbour covers too.
        batch_size: windows that go through the network together; None takes what the network declares for a CPU, and on
            a GPU what is found to be fastest.
        precision: `float32`, or `bfloat16` where it gives the same to a centimetre on average, see `check_bfloat16`.
        devices: `auto` (a GPU where there is one), or torch's names; several share the strips, one process each.
        threads: compute threads on a CPU; None leaves torch's number.
        progress: show a progress bar on standard error.
        draws: predictions with active dropout, see `mean_and_spread`; 0 predicts once without.
        seed: of the draws.

    Raises:
        ModelError: model, inputs and window do not fit each other, or the model cannot be rounded to bfloat16.
        DataError: a raster cannot be read or written, or the area holds no pixel.
    """
    strips = predict_strips(
        model, inputs, out, area=area, window_px=window_px, overlap=overlap, batch_size=batch_size, precision=precision,
        devices=devices, threads=threads, progress=progress, draws=draws, seed=seed,
    )  # fmt: skip
    strips.write(Path(out))
    strips.remove()


def predict_strips(
    model: str | Path | LoadedModel, inputs: Mapping[str, Path | Sequence[Path]], out: str | Path, *,
    devices: Sequence[str] = ("auto",), threads: int | None = None, progress: bool = False, **settings: object,
) -> Strips:  # fmt: skip
    """Return the finished strips of a raster, for callers who write several rasters together; see `predict_raster`."""
    loaded = model if isinstance(model, LoadedModel) else load_model(model)
    task, threads = Task(loaded, inputs, Path(out), **settings), threads or torch.get_num_threads()
    set_up_cpu(threads)
    with open_inputs(loaded, inputs) as images:
        plan = task.plan(images.grid)
        plan.strips.begin({
            **fingerprint.of_model(loaded),
            **task.settings(),
            "inputs": fingerprint.of_rasters(raster for parts in images.rasters.values() for raster, _ in parts),
            "devices": sorted({device_of(device).type for device in devices}),
            "threads": threads,
        })  # fmt: skip
        try:
            if missing := plan.strips.missing():
                if task.precision == BFLOAT16:
                    networks = tuple(task.network(devices[0], name) for name in ("float32", BFLOAT16))
                    check_bfloat16(networks, plan.strips.bands, images, plan.grid, plan.places)
                _compute(task, plan.strips, missing, devices, threads, progress)
        finally:
            if not plan.strips.count():
                plan.strips.remove()
    return plan.strips


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

"""What benchmarks/prediction.py measures: each function is one run in its own process."""

import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter
from torch.utils.flop_counter import FlopCounterMode

from img2height.buildings.raster import Image, Sources, extract_raster
from img2height.cpu import set_up_cpu
from img2height.inference import load_model, predict_raster
from img2height.inference.defaults import protocol
from img2height.inference.given import given_scene
from img2height.inference.inputs import open_inputs
from img2height.io.grid import Grid
from img2height.io.rasters import (
    NODATA,
    Band,
    copy_to_cog,
    create_scratch,
    height_band,
    open_raster,
    read_heights,
    write_heights,
)
from img2height.methods import build_network, recipes_folder
from img2height.models.card import Budget, Card
from img2height.models.folder import LoadedModel, save_model
from img2height.samples.normalise import Normalisation
from img2height.settings.project import load_recipe
from img2height.settings.protocol import Inference

GSD_M = 0.5
NARROW = ("unet", {"encoder": "tu-resnet10t", "depth": 4, "width": 16})
BYTES = {"eo": ("red", "green", "blue"), "view_1": ("pan",), "view_2": ("pan",)}
MEAN, DEVIATION = 100.0, 30.0


def make(folder: Path, side: int) -> None:
    """Write the rasters block by block: a surface with smooth buildings, and images of the surface with noise."""
    grid = Grid(CRS.from_epsg(25832), Affine(GSD_M, 0, 500_000, 0, -GSD_M, 5_400_000), side, side)

    def height(window: Window) -> np.ndarray:
        rng = np.random.default_rng([window.row_off, window.col_off])
        rough = gaussian_filter(rng.normal(0, 60, (window.height, window.width)), 4)
        return np.maximum(rough, 0).astype(np.float32)

    write_heights(folder / "ndsm.tif", grid, [height_band("ndsm")], height)
    write_heights(folder / "dsm_initial.tif", grid, [height_band("dsm")], lambda window: height(window) + 300)
    for number, (name, bands) in enumerate(BYTES.items()):
        with create_scratch(folder / "scratch.tif", grid, [Band(band) for band in bands], "uint8") as scratch:
            for window in grid.blocks():
                rng = np.random.default_rng([number, window.row_off, window.col_off])
                noise = rng.normal(MEAN, DEVIATION, (len(bands), window.height, window.width))
                scratch.write((noise + height(window)).clip(1, 255).astype(np.uint8), window)
        copy_to_cog(folder / "scratch.tif", folder / f"{name}.tif")


def make_model(folder: Path, method: str) -> None:
    """Write a model folder with untrained, seeded weights; `narrow` is a U-Net of few channels."""
    recipe = load_recipe(recipes_folder(), NARROW[0] if method == "narrow" else method)
    torch.manual_seed(0)
    bands = {layer: len(names) for layer, names in recipe.inputs.items()}
    options = NARROW[1] if method == "narrow" else recipe.options
    network = build_network(recipe.network, bands, {**options, **({"weights": "none"} if "weights" in options else {})})
    images = {n: dict.fromkeys(b, (MEAN, DEVIATION)) for n, b in recipe.inputs.items() if n != "dsm_initial"}
    card = Card(
        method=method,
        recipe=recipe.model_copy(update={"options": options}),
        normalisation=Normalisation(images, recipe.normalisation.height, 0.0, 1.0),
        gsd_m=GSD_M,
        dtypes=dict.fromkeys(recipe.inputs),
        training=Budget(threads=1),
        tile_px=protocol().inference.window_px,
    )
    save_model(folder, network, network.state_dict(), card)


def end_to_end(rasters: Path, model: Path, threads: int, settings: dict) -> dict[str, Any]:
    """Read, infer, blend and write a COG with `settings` over params.yaml; return what went through the network."""
    loaded = load_model(model)
    with _watched(loaded) as (calls, marks), _timed() as found:
        scratch = model / "scratch.tif"
        predict_raster(loaded, _inputs(loaded, rasters), scratch, _settings(settings), threads=threads)
        copy_to_cog(scratch, model / "height.tif")
    if marks:
        found["gpu_seconds"] = sum(start.elapsed_time(end) for start, end in marks) / 1000
    return found | {"calls": [[*call, count] for call, count in calls.items()], "out": str(model / "height.tif")}


def bare(rasters: Path, model: Path, threads: int, calls: list) -> dict[str, Any]:
    """Run only the network, on as many tensors in memory of the same size and layout, in the same precision."""
    loaded = load_model(model)
    set_up_cpu(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scene = given_scene(loaded.recipe.inputs, _inputs(loaded, rasters))
    with open_inputs(loaded, scene, scene.views) as images, torch.inference_mode():
        ready = []
        for batch, size_px, channels_last, autocast, count in calls:
            layout = torch.channels_last if channels_last else torch.contiguous_format
            loaded.network.to(device, memory_format=layout)
            one = images.read(0, 0, size_px).inputs
            tensors = {
                layer: torch.from_numpy(x).expand(batch, *x.shape).to(device).contiguous(memory_format=layout)
                for layer, x in one.items()
            }
            ready.append((tensors, autocast, count))
        work = Counter()
        for tensors, autocast, count in ready:
            with FlopCounterMode(display=False) as counter:
                _forward(loaded, tensors, autocast, 1)  # the first pass allocates
            work[autocast] += counter.get_total_flops() * count
        ceiling_s = sum(flops / _matrix_flops(device, autocast) for autocast, flops in work.items())
        with _timed() as found:
            for tensors, autocast, count in ready:
                _forward(loaded, tensors, autocast, count)
    return found | {"ceiling_s": ceiling_s}


def _matrix_flops(device: torch.device, bfloat16: bool) -> float:
    """Return the floating point operations per second of a product of two large matrices."""
    side, repeats = (8192, 10) if device.type == "cuda" else (2048, 3)
    a, b = torch.rand(2, side, side, device=device, dtype=torch.bfloat16 if bfloat16 else torch.float32)
    fastest = min(_seconds(lambda: a @ b, device) for _ in range(repeats))
    return 2 * side**3 / fastest


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def plain(rasters: Path, model: Path, threads: int) -> dict[str, Any]:
    """Predict as public research code does: all rasters in memory, one float32 window after the other, then one file.

    Half overlap, linear ramps over all of it, and float64 canvases as in the inference of ResDepth
    (https://github.com/stuckerc/ResDepth); sides must be multiples of half a window.
    """
    loaded = load_model(model)
    torch.set_num_threads(threads)
    size_px = loaded.card.tile_px
    with _timed() as found, torch.inference_mode():
        paths = _inputs(loaded, rasters)
        with open_raster(paths["dsm_initial"]) as raster:
            grid, surface = Grid.of(raster), read_heights(raster)
        views = []
        for path in paths["views"]:
            with open_raster(path) as raster:
                views.append(raster.read(1).astype(np.float32))
        canvas = np.zeros(grid.shape)
        for row in range(0, grid.height - size_px + 1, size_px // 2):
            for column in range(0, grid.width - size_px + 1, size_px // 2):
                window = np.s_[row : row + size_px, column : column + size_px]
                mean = surface[window].mean()
                looks = (np.stack([view[window] for view in views]) - np.float32(MEAN)) / np.float32(DEVIATION)
                inputs = {"dsm_initial": (surface[window] - mean)[None], "views": looks}
                height = loaded.network({layer: torch.from_numpy(x)[None] for layer, x in inputs.items()})["height"]
                ramps = [_ramp(*at, size_px) for at in ((row, grid.height), (column, grid.width))]
                canvas[window] += np.outer(*ramps) * (height[0, 0].numpy() + mean)
        values = np.where(np.isfinite(surface), canvas, NODATA).astype(np.float32)
        with create_scratch(model / "plain.tif", grid, [height_band("dsm")], "float32", NODATA) as scratch:
            scratch.write(values)
    return found | {"out": str(model / "plain.tif")}


def polygons(rasters: Path) -> dict[str, Any]:
    """Extract buildings from heights and an image."""
    with open_raster(rasters / "ndsm.tif") as heights, open_raster(rasters / "eo.tif") as image:
        sources = Sources(Grid.of(heights), lambda w: read_heights(heights, w), Image.of(image, list(BYTES["eo"])))
        with _timed() as found:
            frame = extract_raster(sources, protocol().buildings, rasters / "footprint.tif")
    return found | {"buildings": len(frame)}


def reading(rasters: Path) -> dict[str, Any]:
    """Read the same rasters, block by block."""
    with open_raster(rasters / "ndsm.tif") as heights, open_raster(rasters / "eo.tif") as image, _timed() as found:
        for window in Grid.of(heights).blocks():
            read_heights(heights, window)
            image.read(window=window)
    return found


def difference(one: str, other: str) -> float:
    """Return the mean absolute difference of two height maps in metres."""
    with open_raster(one) as first, open_raster(other) as second:
        means = [np.abs(read_heights(first, w) - read_heights(second, w)).mean() for w in Grid.of(first).blocks()]
    return float(np.mean(means))


def _inputs(model: LoadedModel, rasters: Path) -> dict[str, Path | list[Path]]:
    views = [rasters / "view_1.tif", rasters / "view_2.tif"]
    return {layer: views if layer == "views" else rasters / f"{layer}.tif" for layer in model.recipe.inputs}


def _settings(changes: dict) -> Inference:
    return Inference(**protocol().inference.model_dump() | changes)


@contextmanager
def _timed() -> Iterator[dict[str, Any]]:
    """Yield a dict that receives the seconds of the block, and the peak memory of the process and of the GPU in MiB."""
    found, start = {}, time.perf_counter()
    yield found
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        found["gpu_mib"] = torch.cuda.max_memory_allocated() / 2**20
    found["seconds"] = time.perf_counter() - start
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _watched(model: LoadedModel) -> Iterator[tuple[Counter, list[tuple]]]:
    """Yield what goes through the network (batch, side, layout of the weights, autocast) and how often.

    On a GPU also an event before and one after each pass.
    """
    calls, marks = Counter(), []
    weight = next(p for p in model.network.parameters() if p.ndim == 4 and min(p.shape[1:3]) > 1)

    def before(module: torch.nn.Module, arguments: tuple) -> None:
        x = next(iter(arguments[0].values()))
        autocast = torch.is_autocast_enabled(x.device.type)
        calls[len(x), x.shape[-1], weight.is_contiguous(memory_format=torch.channels_last), autocast] += 1
        if x.is_cuda:
            marks.append(tuple(torch.cuda.Event(enable_timing=True) for _ in range(2)))
            marks[-1][0].record()

    def after(module: torch.nn.Module, arguments: tuple, output: dict) -> None:
        if marks:
            marks[-1][1].record()

    hooks = model.network.register_forward_pre_hook(before), model.network.register_forward_hook(after)
    yield calls, marks
    for hook in hooks:
        hook.remove()


def _forward(model: LoadedModel, inputs: dict[str, torch.Tensor], autocast: bool, count: int) -> None:
    device = next(iter(inputs.values())).device.type
    with torch.autocast(device, torch.bfloat16, enabled=autocast):
        for _ in range(count):
            model.network(inputs)


def _ramp(start: int, length: int, size_px: int) -> np.ndarray:
    """Return the weights of a window along one axis: ramps over half a window where it has a neighbour."""
    rising = np.linspace(0, 1, size_px // 2)
    weights = np.ones(size_px)
    if start > 0:
        weights[: size_px // 2] = rising
    if start + size_px < length:
        weights[size_px // 2 :] = rising[::-1]
    return weights

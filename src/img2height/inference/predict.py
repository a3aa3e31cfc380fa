"""Predicts a raster of any height in overlapping windows, row of windows by row of windows."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rasterio.windows import Window
from rich.console import Console
from rich.progress import track
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError, ModelError
from img2height.files import atomic_path
from img2height.inference.inputs import InputRasters, InputWindow, open_inputs
from img2height.inference.model import LoadedModel, load_model
from img2height.inference.strip import Strip
from img2height.inference.windows import WindowGrid, blending_weights
from img2height.rasters import BLOCK_PX, NODATA, Scratch, create_scratch, height_band
from img2height.samples.normalise import clip_heights
from img2height.tiles.areas import area_mask


def predict_raster(
    model: str | Path | LoadedModel, inputs: Mapping[str, Path | Sequence[Path]], out: str | Path, *,
    area: BaseGeometry | None = None, window_px: int = 256, overlap: float = 0.5, batch_size: int = 1,
    device: str = "auto", threads: int | None = None, progress: bool = False,
) -> None:  # fmt: skip
    """Write the heights of a raster as a tiled GeoTIFF on its grid: float32 metres, -9999 where unknown.

    A pixel of an area gets the same value as when the whole raster is predicted.

    Args:
        model: a model folder, or what `load_model` returned.
        inputs: raster by layer, e.g. `{"eo": Path("image.tif")}`; a list of rasters for `views`.
        out: the scratch raster; appears only when it is whole.
        area: polygon in pixel coordinates; heights outside are unknown. None takes the whole raster.
        window_px: side of a window, a multiple of the model's tile multiple.
        overlap: least share of a window that its neighbour covers too.
        batch_size: windows that go through the network together.
        device: `auto` (a GPU where there is one), or torch's name.
        threads: compute threads on a CPU; None leaves torch's number.
        progress: show a progress bar on standard error.

    Raises:
        ModelError: model, inputs and window do not fit each other.
        DataError: a raster cannot be read or written, or the area holds no pixel.
    """
    loaded = model if isinstance(model, LoadedModel) else load_model(model)
    if window_px % loaded.recipe.tile_multiple:
        raise ModelError(f"window_px is {window_px}; the model needs a multiple of {loaded.recipe.tile_multiple}")
    if threads:
        torch.set_num_threads(threads)
    with open_inputs(loaded, inputs) as images, atomic_path(out) as temporary:
        grid = WindowGrid.over(images.grid.shape, window_px, overlap, loaded.recipe.tile_multiple)
        if not (places := grid.touching(area)):
            raise DataError(f"{out}: the area to predict holds no pixel of the image; check the area")
        target = loaded.recipe.target
        with create_scratch(temporary, images.grid, [height_band(target)], "float32", NODATA) as scratch:
            network = Network(loaded, device)
            for top, left, heights_m in _bands(network, images, grid, places, batch_size, progress):
                _write(scratch, top, left, clip_heights(heights_m, target), area)


class Network:
    """The network of a model on its device: normalised windows in, heights in metres out."""

    def __init__(self, model: LoadedModel, device: str):
        automatic = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(automatic if device == "auto" else device)
        self.network = model.network.to(self.device, memory_format=torch.channels_last)
        self.normalisation = model.normalisation

    @torch.inference_mode()
    def heights_m(self, windows: list[InputWindow]) -> np.ndarray:
        """Return the heights of a batch of windows, B x H x W float32 metres."""
        inputs = {}
        for layer in windows[0].inputs:
            batch = torch.from_numpy(np.stack([window.inputs[layer] for window in windows]))  # B x C x H x W
            inputs[layer] = batch.to(self.device, memory_format=torch.channels_last)
        heights = self.network(inputs)["height"]  # B x 1 x H x W, float32: bfloat16 would round tall roofs to 0.1 m
        offsets_m = np.array([window.offset_m for window in windows])[:, None, None]  # B x 1 x 1
        heights_m = self.normalisation.to_metres(heights[:, 0].double().cpu().numpy(), offsets_m)  # B x H x W
        if not np.isfinite(heights_m).all():
            raise ModelError("the network gives heights that are not numbers: its training diverged; train it again")
        return heights_m


def _bands(
    network: Network, images: InputRasters, grid: WindowGrid, places: list[tuple[int, np.ndarray]], batch_size: int,
    progress: bool,
) -> Iterator[tuple[int, int, np.ndarray]]:  # fmt: skip
    """Yield first row, first column and heights of each finished band of blocks."""
    size_px = grid.window_px
    down, across = blending_weights(grid.rows, size_px), blending_weights(grid.columns, size_px)
    left = min(int(grid.columns[columns[0]]) for _, columns in places)
    right = max(int(grid.columns[columns[-1]]) for _, columns in places) + size_px
    strip = Strip(left, right - left, size_px)
    for y, columns in track(places, "Predicting", console=Console(stderr=True), disable=not progress):
        row = int(grid.rows[y])
        yield from strip.finished(row)
        for chosen in np.split(columns, range(batch_size, len(columns), batch_size)):
            read = [(x, images.read(row, int(grid.columns[x]), size_px)) for x in chosen]
            if not (seen := [(x, window) for x, window in read if window.known.any()]):
                continue
            heights_m = network.heights_m([window for _, window in seen])
            for (x, window), window_m in zip(seen, heights_m, strict=True):
                strip.add(row, int(grid.columns[x]), window_m, np.outer(down[y], across[x]), window.known)
    yield from strip.finished(-(-images.grid.height // BLOCK_PX) * BLOCK_PX)


def _write(scratch: Scratch, top: int, left: int, heights_m: np.ndarray, area: BaseGeometry | None) -> None:
    heights_m = heights_m[: scratch.dataset.height - top, : scratch.dataset.width - left]
    window = Window(left, top, heights_m.shape[1], heights_m.shape[0])
    wanted = np.isfinite(heights_m)
    if area is not None:
        wanted &= area_mask(area, window)
    scratch.write(np.where(wanted, heights_m, np.float32(NODATA)), window)

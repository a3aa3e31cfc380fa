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
from img2height.inference.stochastic import mean_and_spread
from img2height.inference.strip import Strip
from img2height.inference.windows import WindowGrid, blending_weights
from img2height.rasters import BLOCK_PX, NODATA, Band, Scratch, create_scratch, height_band
from img2height.samples.normalise import clip_heights
from img2height.scenes.heights import PROBABILITY, RELATIVE, SPREAD
from img2height.tiles.areas import area_mask


def predict_raster(
    model: str | Path | LoadedModel, inputs: Mapping[str, Path | Sequence[Path]], out: str | Path, *,
    area: BaseGeometry | None = None, window_px: int = 256, overlap: float = 0.5, batch_size: int = 1,
    device: str = "auto", threads: int | None = None, progress: bool = False, draws: int = 0, seed: int = 0,
) -> None:  # fmt: skip
    """Write the heights of a raster as a tiled GeoTIFF on its grid: float32 metres, -9999 where unknown.

    A model that tells footprints adds a second band, the probability of a building. Relative heights have no metres: 0
    is the lowest and 1 the highest of what a window shows. With draws the heights are the mean of so many predictions
    with active dropout, and a last band is their standard deviation. A pixel of an area gets the same value as when the
    whole raster is predicted.

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
        draws: predictions with active dropout, see `mean_and_spread`; 0 predicts once without.
        seed: of the draws.

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
        with create_scratch(temporary, images.grid, bands_of(loaded, draws), "float32", NODATA) as scratch:
            network = Network(loaded, device, draws, seed)
            for top, left, values in _bands(network, images, grid, places, batch_size, progress):
                _write(scratch, top, left, values, area)


def bands_of(model: LoadedModel, draws: int = 0) -> list[Band]:
    """Return the bands that a model predicts: heights, where it tells them footprints, with draws a spread."""
    relative = model.normalisation.mode == "relative"
    height = Band(RELATIVE, "1") if relative else height_band(model.recipe.target)
    footprint = [Band(PROBABILITY, "1")] if "footprint" in model.recipe.outputs else []
    return [height, *footprint, *([Band(SPREAD, height.unit)] if draws else [])]


class Network:
    """The network of a model on its device: normalised windows in, heights in metres (and probabilities) out."""

    def __init__(self, model: LoadedModel, device: str, draws: int = 0, seed: int = 0):
        automatic = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(automatic if device == "auto" else device)
        self.network = model.network.to(self.device, memory_format=torch.channels_last)
        self.normalisation = model.normalisation
        self.target = model.recipe.target
        self.bands = len(bands_of(model, draws))
        self.draws, self.seed = draws, seed

    @torch.inference_mode()
    def predict(self, windows: list[InputWindow]) -> np.ndarray:
        """Return the values of a batch of windows, B x bands x H x W float64; a model without heights gives NaN."""
        inputs = {}
        for layer in windows[0].inputs:
            batch = torch.from_numpy(np.stack([window.inputs[layer] for window in windows]))  # B x C x H x W
            inputs[layer] = batch.to(self.device, memory_format=torch.channels_last)
        outputs = self.network(inputs)  # B x 1 x H x W, float32: bfloat16 would round tall roofs to 0.1 m
        if self.draws:
            outputs["height"], outputs["spread"] = mean_and_spread(
                self.network, inputs, draws=self.draws, seed=self.seed
            )
        if not all(torch.isfinite(output).all() for output in outputs.values()):
            raise ModelError("the network gives values that are not numbers: its training diverged; train it again")
        values = [np.full((len(windows), *next(iter(outputs.values())).shape[-2:]), np.nan)]  # B x H x W each
        if "height" in outputs:
            offsets_m = np.array([window.offset_m for window in windows])[:, None, None]  # B x 1 x 1
            values = [self._heights(_band(outputs["height"]), offsets_m)]
        if "footprint" in outputs:
            values.append(_band(outputs["footprint"].double().softmax(dim=1)[:, 1:]))
        if self.draws:
            relative = self.normalisation.mode == "relative"
            values.append(_band(outputs["spread"]) * (0.5 if relative else self.normalisation.scale_m))
        return np.stack(values, axis=1)

    def _heights(self, heights: np.ndarray, offsets_m: np.ndarray) -> np.ndarray:
        if self.normalisation.mode == "relative":
            return (heights + 1) / 2
        return clip_heights(self.normalisation.to_metres(heights, offsets_m), self.target)


def _band(values: torch.Tensor) -> np.ndarray:
    return values[:, 0].double().cpu().numpy()


def _bands(
    network: Network, images: InputRasters, grid: WindowGrid, places: list[tuple[int, np.ndarray]], batch_size: int,
    progress: bool,
) -> Iterator[tuple[int, int, np.ndarray]]:  # fmt: skip
    """Yield first row, first column and values of each finished row of blocks."""
    size_px = grid.window_px
    down, across = blending_weights(grid.rows, size_px), blending_weights(grid.columns, size_px)
    left = min(int(grid.columns[columns[0]]) for _, columns in places)
    right = max(int(grid.columns[columns[-1]]) for _, columns in places) + size_px
    strip = Strip(left, right - left, size_px, network.bands)
    for y, columns in track(places, "Predicting", console=Console(stderr=True), disable=not progress):
        row = int(grid.rows[y])
        yield from strip.finished(row)
        for chosen in np.split(columns, range(batch_size, len(columns), batch_size)):
            read = [(x, images.read(row, int(grid.columns[x]), size_px)) for x in chosen]
            if not (seen := [(x, window) for x, window in read if window.known.any()]):
                continue
            predicted = network.predict([window for _, window in seen])
            for (x, window), values in zip(seen, predicted, strict=True):
                strip.add(row, int(grid.columns[x]), values, np.outer(down[y], across[x]), window.known)
    yield from strip.finished(-(-images.grid.height // BLOCK_PX) * BLOCK_PX)


def _write(scratch: Scratch, top: int, left: int, values: np.ndarray, area: BaseGeometry | None) -> None:
    values = values[:, : scratch.dataset.height - top, : scratch.dataset.width - left]
    window = Window(left, top, values.shape[2], values.shape[1])
    wanted = np.isfinite(values)
    if area is not None:
        wanted &= area_mask(area, window)
    scratch.write(np.where(wanted, values, np.float32(NODATA)), window)

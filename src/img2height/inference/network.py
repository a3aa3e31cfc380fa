"""The network of a model on its device: normalised windows in, metres and probabilities out."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from img2height.errors import ModelError
from img2height.inference.inputs import InputWindow
from img2height.inference.stochastic import mean_and_spread
from img2height.io.rasters import Band, height_band
from img2height.methods import layout_of
from img2height.methods._layout import DEFAULT, arrange
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import clip_heights
from img2height.settings.protocol import Inference
from img2height.vocabulary.outputs import CLASSES
from img2height.vocabulary.quantities import RELATIVE, SPREAD

logger = logging.getLogger(__name__)

BFLOAT16 = "bfloat16"
SIZES = (1, 2, 4, 8, 16, 32)  # batches that are tried on a GPU
ROUNDS = 3


def bands_of(model: LoadedModel, draws: int = 0) -> list[Band]:
    """Return the bands that a model predicts: heights, probabilities of the classes of pixels, with draws a spread."""
    relative = model.normalisation.mode == "relative"
    height = Band(RELATIVE, "1") if relative else height_band(model.recipe.target)
    classes = [Band(CLASSES[name].band, "1") for name in model.recipe.classes]
    return [height, *classes, *([Band(SPREAD, height.unit)] if draws else [])]


def device_of(name: str) -> torch.device:
    """Return a device by torch's name; `auto` is a GPU if there is one, else the CPU."""
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(automatic if name == "auto" else name)


class Network:
    """The network of a model on its device.

    Args:
        model: its network is moved to the device.
        device: see `device_of`.
        settings: side of the windows; batch size (by default what the network declares for a CPU, and on a GPU the
            fastest one found by trial); and precision: with bfloat16, torch's autocast uses it where it can,
            and results are float32.
        draws: see `mean_and_spread`.
        seed: of the draws.
    """

    def __init__(self, model: LoadedModel, device: str, settings: Inference, *, draws: int = 0, seed: int = 0):
        self.device = device_of(device)
        on_gpu = self.device.type == "cuda"
        layout = DEFAULT if on_gpu else layout_of(model.recipe.network)
        last = layout.channels_last or settings.precision == BFLOAT16
        self.order = torch.channels_last if last else torch.contiguous_format
        self.network = arrange(model.network.to(self.device), self.order)
        self.normalisation = model.normalisation
        self.target = model.recipe.target
        self.precision = settings.precision
        self.draws, self.seed = draws, seed
        side = settings.window_px
        self.sides = {layer: (len(bands), side, side) for layer, bands in model.inputs.items()}
        with self._room():
            self.batch_size = settings.batch_size or (fastest_batch(self._zeros) if on_gpu else layout.batch)

    @torch.inference_mode()
    def predict(self, windows: list[InputWindow]) -> np.ndarray:
        """Return the values of a batch of windows, B x bands x H x W float64; a model without heights gives NaN."""
        inputs = {}
        for layer in windows[0].inputs:
            batch = torch.from_numpy(np.stack([window.inputs[layer] for window in windows]))  # B x C x H x W
            inputs[layer] = batch.to(self.device, memory_format=self.order)
        with self._room():
            outputs = self._forward(inputs)  # B x 1 x H x W
        if not all(torch.isfinite(output).all() for output in outputs.values()):
            raise ModelError("the network returns values that are not finite: its training diverged; train it again")
        values = [np.full((len(windows), *next(iter(outputs.values())).shape[-2:]), np.nan)]  # B x H x W each
        if "height" in outputs:
            offsets_m = np.array([window.offset_m for window in windows])[:, None, None]  # B x 1 x 1
            values = [self._heights(_band(outputs["height"]), offsets_m)]
        values += [outputs[name].cpu().double().softmax(dim=1)[:, 1].numpy() for name in CLASSES if name in outputs]
        if self.draws:
            relative = self.normalisation.mode == "relative"
            values.append(_band(outputs["spread"]) * (0.5 if relative else self.normalisation.scale_m))
        return np.stack(values, axis=1)

    def _forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == BFLOAT16):
            outputs = self.network(inputs)
            if self.draws:
                drawn = mean_and_spread(self.network, inputs, draws=self.draws, seed=self.seed)
                outputs["height"], outputs["spread"] = drawn
        return outputs

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"the windows do not fit in the memory of {self.device} ({' '.join(str(error).split())[:200]}); reduce "
                "window_px or batch_size, or end other programs that use the device"
            ) from error

    @torch.inference_mode()
    def _zeros(self, batch_size: int) -> None:
        self._forward({
            layer: torch.zeros(batch_size, *side, device=self.device).to(memory_format=self.order)
            for layer, side in self.sides.items()
        })  # fmt: skip
        torch.cuda.synchronize(self.device)

    def _heights(self, heights: np.ndarray, offsets_m: np.ndarray) -> np.ndarray:
        if self.normalisation.mode == "relative":
            return (heights + 1) / 2
        return clip_heights(self.normalisation.to_metres(heights, offsets_m), self.target)


def _band(values: torch.Tensor) -> np.ndarray:
    return values[:, 0].float().cpu().numpy().astype(np.float64)


def fastest_batch(forward: Callable[[int], None]) -> int:
    """Return the batch size with the highest throughput, among those that fit in memory.

    For GPUs, where identical bytes are not guaranteed. On a CPU such a probe would prevent them: another batch size
    changes the order of sums, and the fastest one depends on what else the machine does. There the batch size is
    declared, see `img2height.methods.Layout`.

    Args:
        forward: runs a batch of n windows and returns when it is done.
    """
    speeds: dict[int, float] = {}  # windows per second by batch size
    for size in SIZES:
        try:
            forward(size)  # warm-up: kernels are chosen, memory is allocated
            began = time.perf_counter()
            for _ in range(ROUNDS):
                forward(size)
        except torch.OutOfMemoryError:
            if not speeds:
                raise
            break
        speeds[size] = ROUNDS * size / (time.perf_counter() - began)
    torch.cuda.empty_cache()
    best = max(speeds, key=speeds.__getitem__)
    logger.info("batch of %d windows: %.0f windows/s; %s", best, speeds[best], speeds)
    return best

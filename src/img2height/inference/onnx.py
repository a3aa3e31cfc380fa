"""Exports a model as one ONNX file, with the metadata that QGIS's plugin Deepness reads.

The graph takes pixel values as stored and returns metres, so that no engine has to know the normalisation. Deepness
divides by 255 and standardises; the standardisation that is stated makes these two steps the identity. The keys and
the layout of inputs and outputs are those of https://qgis-plugin-deepness.readthedocs.io.
"""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from img2height.errors import ModelError
from img2height.inference.engines.trace import traced
from img2height.inference.graph import MetricHeights
from img2height.io.atomic import atomic_path
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import BYTE
from img2height.settings.protocol import Inference

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
AGREEMENT = 1e-4  # of the range of the heights
CARD_KEY = "img2height_card"


def export_onnx(model: LoadedModel, settings: Inference, path: Path) -> float:
    """Write a model as an ONNX file and return its largest difference from the model, in metres, on random windows.

    Inputs are named like the layers, B x C x side x side float32, NaN where missing; outputs are B x 1 x side x side.

    Args:
        model: see `load_model`.
        settings: side and overlap of the windows, see `inference_settings`.
        path: the file.

    Raises:
        ModelError: a package is not installed, or the file does not give the heights of the model.
    """
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise ModelError(f"ONNX files need {', '.join(missing)}; install them: pip install 'img2height[onnx]'")
    graph = MetricHeights(model).eval()
    windows = _random_windows(model, settings.window_px)
    text = traced(graph, windows, graph.layers, graph.outputs, metadata(model, settings), free_batch=True)
    with atomic_path(path) as temporary:
        temporary.write_bytes(text)
        return _difference(temporary, graph, windows)


def metadata(model: LoadedModel, settings: Inference) -> dict[str, str]:
    """Return the metadata by key: the card and, if the model has one input, what Deepness reads.

    Args:
        model: see `load_model`.
        settings: see `export_onnx`.
    """
    found: dict[str, object] = {CARD_KEY: model.card.to_json()}
    if len(model.inputs) == 1:
        (bands,) = model.inputs.values()
        found |= {
            "model_type": "Regressor",
            "class_names": [{"0": name} for name in MetricHeights(model).outputs],
            "resolution": 100 * model.card.gsd_m,  # cm
            "tile_size": settings.window_px,
            "tiles_overlap": round(100 * settings.overlap),  # per cent
            "standardization_mean": [0.0] * len(bands),
            "standardization_std": [1 / BYTE] * len(bands),
            "reg_output_scaling": 1.0,
        }
    return {key: json.dumps(value, sort_keys=True) for key, value in found.items()}


def _random_windows(model: LoadedModel, side_px: int) -> tuple[torch.Tensor, ...]:
    """Return two windows of each input with the distribution of the training values."""
    generator = torch.Generator().manual_seed(0)
    windows = []
    for layer, bands in model.inputs.items():
        noise = torch.randn(2, len(bands), side_px, side_px, generator=generator)
        own = model.normalisation.image.get(layer)
        statistics = torch.tensor(list(own.values()) if own else [(0.0, model.normalisation.scale_m)])  # C x 2
        windows.append(noise * statistics[:, 1, None, None] + statistics[:, 0, None, None])
    return tuple(windows)


def _difference(path: Path, graph: MetricHeights, windows: tuple[torch.Tensor, ...]) -> float:
    """Return the largest difference between a file and its model; refuse a file that is not the model."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, dict(zip(graph.layers, (window.numpy() for window in windows), strict=True)))
    with torch.inference_mode():
        expected = [result.numpy() for result in graph(*windows)]
    for name, one, other in zip(graph.outputs, found, expected, strict=True):
        difference, spread = float(np.abs(one - other).max()), float(np.ptp(other))
        if not difference <= AGREEMENT * max(spread, 1.0):
            raise ModelError(f"the ONNX file gives other values of {name}, by up to {difference:g} of {spread:g}")
    return float(np.abs(found[0] - expected[0]).max())

"""Quantises the network of a model: most of its layers compute with whole numbers of 8 bits.

The limits of the values come from training windows. Layers next to an input or an output stay as they are, because
heights that pass through them, such as ResDepth's initial surface model, have more than 256 levels.
"""

import logging
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import geopandas
import numpy as np

from img2height.inference.engines import OPENVINO_INT8
from img2height.inference.engines.choose import lacking
from img2height.inference.engines.convert import network_graph
from img2height.inference.engines.int8 import roundings_of, write_int8
from img2height.inference.engines.openvino import INSTALL, core, keep_telemetry_out, missing_inputs
from img2height.inference.sampled import sampled_windows, spread
from img2height.models.engines import INT8
from img2height.models.folder import LoadedModel
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_of

logger = logging.getLogger(__name__)

PACKAGE = "nncf"
MOST_WINDOWS = 64  # of all scenes together
LAYERS = {"Convolution", "ConvolutionBackpropData", "GroupConvolution", "GroupConvolutionBackpropData", "MatMul"}


def quantise(
    model: LoadedModel, scenes: Sequence[Scene], areas: geopandas.GeoDataFrame, fold: int, side_px: int
) -> None:
    """Write int8.safetensors into the folder of a model; where the packages or VNNI are missing, remove it.

    Args:
        model: in a folder.
        scenes: of the experiment.
        areas: the areas of the parts, see `split_folds`.
        fold: its number.
        side_px: of the windows.
    """
    if model.folder is None:
        raise ValueError("the model has no folder")
    (path := model.folder / INT8).unlink(missing_ok=True)
    if why := lacking(OPENVINO_INT8) or ("" if find_spec(PACKAGE) else f"it needs {PACKAGE}; {INSTALL}"):
        logger.info("engine %s is not measured: %s", OPENVINO_INT8, why)
        return
    trained = [(scene, area_of(areas, "train", scene.dataset, scene.name, fold)) for scene in scenes]
    trained = spread([(scene, area) for scene, area in trained if not area.is_empty], MOST_WINDOWS)
    most = math.ceil(MOST_WINDOWS / max(len(trained), 1))
    inputs = [
        given.inputs
        for scene, area in trained
        for _, given in sampled_windows(model, scene, area, "train", side_px, most)
        if given.valid.any()
    ]
    graph = core().read_model(network_graph(model, side_px))
    if not inner_layers(graph):
        logger.info("engine %s is not measured: the network has no layers but the first and last", OPENVINO_INT8)
        return
    windows = [missing_inputs(model, side_px) | {layer: x[None] for layer, x in each.items()} for each in inputs]
    write_int8(roundings_of(quantised(graph, windows), graph), model.card.weights_sha256, path)


def quantised(graph: Any, windows: Iterable[dict[str, np.ndarray]]) -> Any:
    """Return a graph of OpenVINO that rounds the values of its inner layers.

    Biases are not corrected, so that the limits are all that is new.

    Args:
        graph: of the network; it is not changed.
        windows: normalised inputs by layer, 1 x C x H x W float32.
    """
    nncf = _nncf()
    used = {name for port in graph.inputs for name in port.get_names()}
    samples = [{layer: x for layer, x in window.items() if layer in used} for window in windows]
    return nncf.quantize(
        graph,
        nncf.Dataset(samples),
        subset_size=len(samples),
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(names=sorted(outermost(graph)), validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            disable_bias_correction=True, backend_params={"compress_weights": False}
        ),
    )


def inner_layers(graph: Any) -> list[str]:
    """Return the names of the layers with weights that are neither first nor last."""
    layers = [each.get_friendly_name() for each in graph.get_ordered_ops() if each.get_type_name() in LAYERS]
    outer = outermost(graph)
    return [name for name in layers if name not in outer]


def outermost(graph: Any) -> set[str]:
    """Return the names of the first and last layers with weights, and of the operations before and after these."""
    following = _until_layers(graph.get_parameters(), lambda operation: (
        reader.get_node() for port in operation.outputs() for reader in port.get_target_inputs()
    ))  # fmt: skip
    leading = _until_layers(graph.get_results(), lambda operation: (
        port.get_source_output().get_node() for port in operation.inputs()
    ))  # fmt: skip
    return following | leading


def _until_layers(operations: Sequence[Any], neighbours: Callable[[Any], Iterator[Any]]) -> set[str]:
    found, waiting = set(), list(operations)
    while waiting:
        operation = waiting.pop()
        name = operation.get_friendly_name()
        if name not in found:
            found.add(name)
            waiting += [] if operation.get_type_name() in LAYERS else neighbours(operation)
    return found


def _nncf() -> Any:
    """Return nncf."""
    keep_telemetry_out()
    logger_class = logging.getLoggerClass()  # nncf sets its own for the whole program
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nncf
    logging.setLoggerClass(logger_class)
    logging.getLogger(PACKAGE).setLevel(logging.ERROR)
    return nncf

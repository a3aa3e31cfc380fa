"""Traces a module of torch as an ONNX file."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from img2height.inference.engines.unpooling import MaskedUnpooling

OPSET, IR_VERSION = 18, 8  # read by onnxruntime 1.14 (2023) and later, which older QGIS have


def traced(
    graph: nn.Module, windows: tuple[Tensor, ...], inputs: Sequence[str], outputs: Sequence[str],
    properties: Mapping[str, str] | None = None, *, free_batch: bool,
) -> bytes:  # fmt: skip
    """Return the content of an ONNX file; the same module is the same bytes, and no path of this machine is in them.

    Args:
        graph: in evaluation mode.
        windows: a batch for each input, whose sides are fixed.
        inputs: names of the inputs.
        outputs: names of the results.
        properties: metadata by key.
        free_batch: whether the size of a batch is free; then `windows` are at least 2, and tracing takes twice as long.
    """
    batch = torch.export.Dim("batch")
    shapes = (tuple({0: batch} for _ in windows),) if free_batch else None
    logging.getLogger("onnx_ir").setLevel(logging.ERROR)
    with warnings.catch_warnings(), MaskedUnpooling():
        warnings.simplefilter("ignore")  # the exporter warns about itself; its result is checked
        program: Any = torch.onnx.export(
            graph, windows, input_names=list(inputs), output_names=list(outputs), opset_version=OPSET, dynamo=True,
            dynamic_shapes=shapes, verbose=False,
        )  # fmt: skip
    made = program.model_proto
    made.ir_version, made.producer_name = IR_VERSION, "img2height"
    for place in (made.graph, *made.graph.node, *made.graph.input, *made.graph.output, *made.graph.value_info):
        place.ClearField("metadata_props")  # stack traces
    for weights in made.graph.initializer:
        weights.ClearField("metadata_props")
    for key, value in (properties or {}).items():
        made.metadata_props.add(key=key, value=value)
    return made.SerializeToString(deterministic=True)

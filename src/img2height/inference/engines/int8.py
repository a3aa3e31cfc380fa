"""Whole numbers of 8 bits in a graph of OpenVINO: where it rounds to how many levels between which limits.

The file int8.safetensors of a model folder has the limits. With them, the graph of the weights becomes the graph that
was quantised, without the library that did it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from img2height.errors import ModelError
from img2height.io.atomic import atomic_path

ROUNDING = "FakeQuantize"  # the operation that rounds; where a layer follows, OpenVINO computes that one with 8 bits
LOW, HIGH = 1, 2  # its inputs
PLACES = "places"  # one key of JSON, because the order of several is random


class Reader(NamedTuple):
    """An input of an operation.

    Names of operations differ from run to run, their order does not.

    Attributes:
        place: of the operation in the order of the graph without roundings.
        kind: of the operation.
        number: of the input.
    """

    place: int
    kind: str
    number: int


class Rounding(NamedTuple):
    """Values that are rounded.

    Attributes:
        readers: the inputs that get them rounded.
        levels: how many values there are.
        low: the smallest of them, float32: of the whole tensor, or of each channel.
        high: the largest.
    """

    readers: list[Reader]
    levels: int
    low: np.ndarray
    high: np.ndarray


def roundings_of(quantised: Any, plain: Any) -> list[Rounding]:
    """Return where a quantised graph rounds activations and weights.

    Args:
        quantised: the graph that rounds.
        plain: the graph that it was made from.
    """
    places = {operation.get_friendly_name(): place for place, operation in enumerate(plain.get_ordered_ops())}
    found = []
    for operation in quantised.get_ordered_ops():
        if operation.get_type_name() == ROUNDING:
            inputs = [(reader.get_node(), reader.get_index()) for reader in operation.output(0).get_target_inputs()]
            readers = [Reader(places[node.get_friendly_name()], node.get_type_name(), n) for node, n in inputs]
            low, high = (operation.input_value(number).get_node().get_data() for number in (LOW, HIGH))
            found.append(Rounding(sorted(readers), operation.get_attributes()["levels"], low, high))
    return found


def add_roundings(graph: Any, roundings: Sequence[Rounding]) -> None:
    """Round values of a graph, which is changed.

    Raises:
        ModelError: the graph has other operations than the one that was quantised.
    """
    from openvino import opset13

    kinds = dict(enumerate(operation.get_type_name() for operation in graph.get_ordered_ops()))
    if any(kinds.get(reader.place) != reader.kind for rounding in roundings for reader in rounding.readers):
        raise ModelError(
            "engine openvino_int8: the graph of the network has other operations than the one that was quantised; "
            "measure the engines again, or use another engine"
        )
    operations = graph.get_ordered_ops()
    for rounding in roundings:
        inputs = [operations[reader.place].input(reader.number) for reader in rounding.readers]
        low, high = (opset13.constant(value) for value in (rounding.low, rounding.high))
        rounded = opset13.fake_quantize(inputs[0].get_source_output(), low, high, low, high, rounding.levels)
        for each in inputs:
            each.replace_source_output(rounded.output(0))


def write_int8(roundings: Sequence[Rounding], weights_sha256: str, path: Path) -> None:
    """Write the roundings of a network; the same ones give the same bytes.

    Args:
        roundings: see `roundings_of`.
        weights_sha256: digest of the weights that they belong to.
        path: the file.
    """
    places = [{"readers": each.readers, "levels": each.levels} for each in roundings]
    limits = {f"{n}.{name}": getattr(each, name) for n, each in enumerate(roundings) for name in ("low", "high")}
    about = {"weights_sha256": weights_sha256, "roundings": places}
    with atomic_path(path) as temporary:
        save_file(limits, temporary, {PLACES: json.dumps(about, sort_keys=True)})


def read_int8(path: Path, weights_sha256: str) -> list[Rounding]:
    """Return the roundings in a file.

    Args:
        path: the file.
        weights_sha256: digest of the weights that they should belong to.

    Raises:
        ModelError: there is no such file, or it belongs to other weights.
    """
    if not path.is_file():
        raise ModelError(f"engine openvino_int8: {path} does not exist; measure the engines, or use another engine")
    try:
        with safe_open(path, "numpy") as file:
            about = json.loads(file.metadata()[PLACES])
            limits = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path}: has no limits of 8 bits ({error}); measure the engines again") from error
    if about["weights_sha256"] != weights_sha256:
        raise ModelError(f"{path}: belongs to other weights; measure the engines again")
    return [
        Rounding(
            [Reader(*reader) for reader in each["readers"]], each["levels"], limits[f"{n}.low"], limits[f"{n}.high"]
        )
        for n, each in enumerate(about["roundings"])
    ]

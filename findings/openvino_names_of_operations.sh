#!/usr/bin/env bash
# OpenVINO gives operations other names each time it reads the same ONNX file.
#
# Guess before the run: an operation is found again by its name, as long as the file and the version are the same.
# Found with openvino 2026.4.1 and onnx 1.22.0: operations that come from a part of an ONNX node are named by a counter of the process
# (`Constant_7`, `ShapeOf_13`), so that a second reading gives others; their order and kinds are the same. What is
# recorded by name in one run, such as limits of quantised values, does not fit in the next.
# What the product does: int8.safetensors counts operations in the order of the graph, and checks their kinds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "openvino==${OPENVINO:-2026.4.1}" "onnx==${ONNX:-1.22.0}" numpy
cd "$folder"
env/bin/python - <<'PYTHON'
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.modules["openvino_telemetry"] = None  # reports each import otherwise
import openvino

shape = [1, 4, 8, 8]
weights = [numpy_helper.from_array(np.ones(sides, np.float32), name) for name, sides in (("w", (4, 1, 3, 3)), ("b", 4))]
node = helper.make_node("Conv", ["x", "w", "b"], ["y"], name="conv", pads=[1, 1, 1, 1])
ends = [helper.make_tensor_value_info(*end) for end in (("x", TensorProto.FLOAT, [1, 1, 8, 8]), ("y", TensorProto.FLOAT, shape))]
graph = helper.make_graph([node], "graph", ends[:1], ends[1:], weights)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), "network.onnx")
readings = [openvino.Core().read_model("network.onnx").get_ordered_ops() for _ in range(2)]
names = [[operation.get_friendly_name() for operation in reading] for reading in readings]
kinds = [[operation.get_type_name() for operation in reading] for reading in readings]
print("openvino", openvino.__version__, *([a, b] for a, b in zip(*names) if a != b))
assert kinds[0] == kinds[1] and names[0] != names[1], names
PYTHON

#!/usr/bin/env bash
# OpenVINO leaves the stack for signal handlers in freed memory if two cores are freed in the order in which they were made.
#
# Guess before the run: a core that is freed leaves the process as it was.
# Found with openvino 2026.4.1 on Linux: the CPU plugin of each core maps a stack for signal handlers (sigaltstack) when it
# compiles its first network, and puts back the stack that it found when it is freed. If the first core is freed before the
# second, or in another thread than the one that compiled, the thread is left with a stack that is no longer mapped. The next
# signal with a handler in Python, such as Ctrl+C or the end of a process that reads samples for torch, then ends the process
# with a segmentation fault. One core, or the last one freed first, is harmless.
# What the project does: it keeps one core for the life of the process (inference/engines/openvino.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "openvino==${OPENVINO:-2026.4.1}" numpy
cd "$folder"
env/bin/python - <<'PYTHON'
import ctypes
import sys

sys.modules["openvino_telemetry"] = None  # reports each import otherwise
import openvino
from openvino import opset13


class Stack(ctypes.Structure):
    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("bytes", ctypes.c_size_t))


def stack():
    """Return where the stack for signal handlers lies."""
    found = Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    if not found.start:
        return "none"
    with open("/proc/self/maps") as lines:
        ranges = [[int(edge, 16) for edge in line.split()[0].split("-")] for line in lines]
    return "mapped" if any(low <= found.start < high for low, high in ranges) else "not mapped"


def compiled():
    """Return a core and a network that it compiled."""
    core, values = openvino.Core(), opset13.parameter([1, 8], name="x")
    return core, core.compile_model(openvino.Model([opset13.relu(values)], [values], "graph"), "CPU")


def after(freed_first):
    """Return where the stack lies after two cores were freed."""
    cores = [compiled() for _ in range(2)]
    while cores:
        cores.pop(freed_first)
    return stack()


states = {"at first": stack(), "last core freed first": after(-1), "first core freed first": after(0)}
print("openvino", openvino.__version__, "stack for signal handlers:", states)
sys.exit(0 if list(states.values()) == ["none", "none", "not mapped"] else "the behaviour has changed")
PYTHON

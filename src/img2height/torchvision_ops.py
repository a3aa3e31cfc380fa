"""Makes torchvision importable with a torch build that does not match its compiled operators.

torchvision wheels are built for one CUDA version; with a CPU build of torch their operators do not load and
`import torchvision` (and with it timm, lightning and torchmetrics) fails on the missing schema of `nms`. Models and
transforms need none of these operators, so declaring the schemas is enough. If the two match, nothing is done.
torchvision itself is not imported: that takes longer than torch, and many networks do not need it.
"""

from importlib.machinery import PathFinder
from importlib.util import find_spec

import torch
from torch import library

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def declare_missing_operators() -> library.Library | None:
    """Return the library with the declared schemas, or None if torchvision's own operators load."""
    if _operators_load():
        return None
    declared = library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        declared.define(schema)
    return declared


def _operators_load() -> bool:
    package = find_spec("torchvision")
    compiled = package and PathFinder.find_spec("_C", package.submodule_search_locations)
    if not (compiled and compiled.origin):
        return False
    try:
        torch.ops.load_library(compiled.origin)
    except OSError:
        return False
    return True


LIBRARY = declare_missing_operators()  # kept alive: the schemas vanish with the object

"""Makes torchvision importable beside a torch build that its compiled operators do not match.

torchvision wheels are built for one CUDA version; beside a CPU build of torch their operators do not load and
`import torchvision` (and with it timm, lightning and torchmetrics) fails on the missing schema of `nms`. Models and
transforms need none of these operators, so declaring the schemas is enough. Where the two match, nothing is done.
torchvision itself is not imported: that takes longer than torch, and many networks do without.
"""

from importlib.machinery import PathFinder
from importlib.util import find_spec

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def declare_missing_operators() -> torch.library.Library | None:
    """Return the library that holds the declared schemas, or None where torchvision's own operators load."""
    if _operators_load():
        return None
    declared = torch.library.Library("torchvision", "DEF")
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

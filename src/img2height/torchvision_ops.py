"""Makes torchvision importable beside a torch build that its compiled operators do not match.

torchvision wheels are built for one CUDA version; beside a CPU build of torch their operators do not load and
`import torchvision` (and with it timm, lightning and torchmetrics) fails on the missing schema of `nms`. Models and
transforms need none of these operators, so declaring the schemas is enough. Where the two match, nothing is done.
"""

import importlib

from torch import library

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def declare_missing_operators() -> library.Library | None:
    """Return the library that holds the declared schemas, or None where torchvision imports by itself."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    else:
        return None
    declared = library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        declared.define(schema)
    importlib.import_module("torchvision")
    return declared


LIBRARY = declare_missing_operators()  # kept alive: the schemas vanish with the object

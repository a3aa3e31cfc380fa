"""The precision of a training on this machine."""

from typing import Final, Literal

import torch

from img2height.cpu import computes_in_bfloat16
from img2height.settings.protocol import Training

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]  # as Lightning names them

FLOAT32: Final = "32-true"
BFLOAT16: Final = "bf16-mixed"


def precision_of(training: Training) -> Precision:
    """Return the precision of a training on this machine, as Lightning names it."""
    if torch.cuda.is_available():
        return training.precision.gpu
    if training.precision.cpu != "auto":
        return training.precision.cpu
    return BFLOAT16 if computes_in_bfloat16() else FLOAT32

"""The precision of a training on this machine."""

import torch

from img2height.cpu import computes_in_bfloat16
from img2height.settings.protocol import Training

FLOAT32, BFLOAT16 = "32-true", "bf16-mixed"  # as Lightning names them


def precision_of(training: Training) -> str:
    """Return the precision that a training has on this machine, as Lightning names it."""
    if torch.cuda.is_available():
        return training.precision.gpu
    if training.precision.cpu != "auto":
        return training.precision.cpu
    return BFLOAT16 if computes_in_bfloat16() else FLOAT32

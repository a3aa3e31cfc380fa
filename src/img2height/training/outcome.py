"""The result of a training."""

from dataclasses import dataclass, field

import pandas
from torch import Tensor, nn

from img2height.training.validation import SCORES

COLUMNS = ["step", "samples", "lr", "train_loss", *SCORES]


@dataclass(frozen=True)
class Outcome:
    """The result of a training.

    Attributes:
        network: the network with its last weights.
        best: the weights of the best validation, by name.
        history: one row per validation, with `COLUMNS`; the training loss is in the recipe's units.
        precision: precision of the computation, as Lightning names it.
        others: weights of a discriminator, by name.
    """

    network: nn.Module
    best: dict[str, Tensor]
    history: pandas.DataFrame
    precision: str
    others: dict[str, Tensor] = field(default_factory=dict)

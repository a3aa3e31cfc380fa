"""The history of a training as a table that survives a resume."""

import logging
import math
from typing import Any

import lightning
import pandas
from lightning.pytorch.callbacks import Callback

from img2height.training.loaders import SampleBatches
from img2height.training.module import HeightModule
from img2height.training.outcome import COLUMNS
from img2height.training.validation import scores_of

logger = logging.getLogger(__name__)


class History(Callback):
    """Keeps one row per validation; its rows are part of the checkpoint.

    Args:
        module: that is trained.
        batches: that it is trained on.
    """

    def __init__(self, module: HeightModule, batches: SampleBatches):
        self.module, self.batches = module, batches
        self.rows: list[list[float]] = []

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Add and log the row of the validation that has just ended."""
        metrics = trainer.callback_metrics
        lr = trainer.optimizers[0].param_groups[0]["lr"]
        samples = self.batches.samples_after(trainer.current_epoch)
        self.rows.append([trainer.global_step, samples, lr, self.module.mean_train_loss(), *scores_of(metrics)])
        if trainer.is_global_zero:
            found = zip(COLUMNS[3:], self.rows[-1][3:], strict=True)
            scores = ", ".join(f"{name} {value:.4g}" for name, value in found if not math.isnan(value))
            logger.info("step %d of %d: %s", trainer.global_step, self.batches.total_steps, scores)

    def state_dict(self) -> dict[str, Any]:
        """Return the rows for a checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the rows of a checkpoint."""
        self.rows = [list(row) for row in state_dict["rows"]]

    def table(self) -> pandas.DataFrame:
        """Return the history, one row per validation, with `COLUMNS`; the training loss is in the recipe's units."""
        return pandas.DataFrame(self.rows, columns=COLUMNS)

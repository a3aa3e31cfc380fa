"""The course of a training as a table that survives a resume."""

from typing import Any

import lightning
import pandas
from lightning.pytorch.callbacks import Callback

from img2height.training.module import HeightModule

COLUMNS = ["step", "samples", "lr", "train_loss", "val_mae_m", "val_rmse_m"]


class History(Callback):
    """Keeps one row a validation; its rows are part of the checkpoint."""

    def __init__(self):
        self.rows: list[list[float]] = []

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: HeightModule) -> None:
        """Add the row of the validation that has just ended."""
        metrics = trainer.callback_metrics
        lr = trainer.optimizers[0].param_groups[0]["lr"]
        samples = trainer.datamodule.samples_after(trainer.current_epoch)
        scores = [metrics[name].item() for name in ("val_mae_m", "val_rmse_m")]
        self.rows.append([trainer.global_step, samples, lr, pl_module.mean_train_loss(), *scores])

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of a checkpoint."""
        self.rows = [list(row) for row in state_dict["rows"]]

    def table(self) -> pandas.DataFrame:
        """Return the history: step, samples, lr, train_loss (normalised), val_mae_m, val_rmse_m."""
        return pandas.DataFrame(self.rows, columns=COLUMNS)

"""Interruption and resume of a training."""

import logging
import os
import signal
import sys
from types import FrameType

import lightning
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from lightning.pytorch.utilities.types import STEP_OUTPUT

logger = logging.getLogger(__name__)

INTERRUPTED = os.EX_TEMPFAIL  # 75: a temporary failure, to be tried again
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)  # sent by schedulers before they end a job


class NewestCheckpoint(ModelCheckpoint):
    """Keeps the newest state: saved at each validation, and after the step during which SIGTERM or SIGUSR1 arrives.

    A training that is asked to stop exits with the status `INTERRUPTED`. In the last step of a stretch it validates
    first, because only complete stretches have a validation. With several devices all processes stop after the same
    step, whichever of them received the signal.
    """

    received: signal.Signals | None = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Install the signal handlers; Lightning, whose own handlers act in the middle of a step, restores them."""
        super().on_train_start(trainer, pl_module)
        for number in SIGNALS:
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: STEP_OUTPUT, batch: object,
        batch_idx: int,
    ) -> None:  # fmt: skip
        """Save and exit, if a stop was requested; not between a stretch and its validation."""
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        if not trainer.is_last_batch and self._must_stop(trainer):
            self._save_checkpoint(trainer, self.format_checkpoint_name({}))
            self._exit(trainer)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the state of a validation, then exit, if a stop was requested."""
        super().on_train_epoch_end(trainer, pl_module)
        if self._must_stop(trainer):
            self._exit(trainer)

    def _must_stop(self, trainer: lightning.Trainer) -> bool:
        return trainer.strategy.reduce_boolean_decision(self.received is not None, all=False)

    def _exit(self, trainer: lightning.Trainer) -> None:
        """Exit; only the first process reports why, because Lightning kills it when another one fails."""
        name = self.received.name if self.received else "a signal to another process"
        logger.info("%s: stopped after step %d; run the same command again to resume", name, trainer.global_step)
        sys.exit(INTERRUPTED if trainer.is_global_zero else 0)


class Patience(EarlyStopping):
    """Stops a training that no longer improves; if killed right after that decision, it stops again when resumed."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop before the first step, if that was already decided."""
        super().on_train_start(trainer, pl_module)
        trainer.should_stop |= self.stopping_reason != EarlyStoppingReason.NOT_STOPPED

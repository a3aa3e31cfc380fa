"""What a training does when it is told to stop, and how it goes on from there."""

import logging
import os
import signal
import sys
from types import FrameType
from typing import Any

import lightning
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason

logger = logging.getLogger(__name__)

INTERRUPTED = os.EX_TEMPFAIL  # 75: a temporary failure, to be tried again
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)  # what schedulers send before they end a job


class NewestCheckpoint(ModelCheckpoint):
    """Keeps the newest state: written at each validation, and after the step in which SIGTERM or SIGUSR1 comes.

    A training told to stop exits with the status `INTERRUPTED`. In the last step of a stretch it validates first, for
    only whole stretches have a validation. With several devices all processes stop after the same step, whichever of
    them got the signal.
    """

    told: signal.Signals | None = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take over the signals; Lightning, whose own handlers act in the middle of a step, gives them back later."""
        super().on_train_start(trainer, pl_module)
        for number in SIGNALS:
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.told = signal.Signals(number)

    def on_train_batch_end(self, trainer: lightning.Trainer, *args: Any, **kwargs: Any) -> None:
        """Save and exit, if told to; not between a stretch and its validation."""
        super().on_train_batch_end(trainer, *args, **kwargs)
        if not trainer.is_last_batch and self._must_stop(trainer):
            self._save_checkpoint(trainer, self.format_checkpoint_name({}))
            self._exit(trainer)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the state of a validation, then exit, if told to."""
        super().on_train_epoch_end(trainer, pl_module)
        if self._must_stop(trainer):
            self._exit(trainer)

    def _must_stop(self, trainer: lightning.Trainer) -> bool:
        return trainer.strategy.reduce_boolean_decision(self.told is not None, all=False)

    def _exit(self, trainer: lightning.Trainer) -> None:
        """Exit; the first process alone says how, for Lightning kills it when another one fails."""
        name = self.told.name if self.told else "a signal to another process"
        logger.info("%s: stopped after step %d; run the same command again to go on", name, trainer.global_step)
        sys.exit(INTERRUPTED if trainer.is_global_zero else 0)


class Patience(EarlyStopping):
    """Stops a training that no longer improves; one that was killed right after that stops again when it is resumed."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop before the first step, if it had been decided."""
        super().on_train_start(trainer, pl_module)
        trainer.should_stop |= self.stopping_reason != EarlyStoppingReason.NOT_STOPPED

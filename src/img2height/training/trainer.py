"""Lightning's trainer, configured for one training."""

import logging
import os
import shutil
import sqlite3
import warnings
from pathlib import Path

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Checkpoint, ProgressBar
from lightning.pytorch.loggers import Logger

from img2height.errors import DataError, TrainingError
from img2height.io.tables import read_json
from img2height.settings.protocol import Training
from img2height.training.checkpoints import AtomicCheckpointIO
from img2height.training.precision import precision_of

# Lightning's advice that does not apply here: a cluster job is one task, small machines have few cores for readers,
# a resumed training finds its own checkpoints and derives its rows from the step, a stretch may be shorter than the
# logging interval; the last is between Lightning and torch.
EXPECTED_WARNINGS = (
    "The `srun` command is available",
    ".*does not have many workers",
    "Checkpoint directory .* exists and is not empty",
    "You're resuming from a checkpoint that ended before the epoch ended",
    "The number of training batches .* is smaller than the logging interval",
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)
CHATTY = ("lightning.pytorch", "lightning.fabric")  # advertisements, and information that is also in the card
MOST_WORKERS = 8

logger = logging.getLogger(__name__)


def build_trainer(
    training: Training,
    callbacks: list[lightning.Callback],
    epochs: int,
    *,
    devices: int = 1,
    gradient_clip: float | None = None,
    live: Path | None = None,
) -> lightning.Trainer:
    """Return a trainer on the GPUs of this machine or, if there are none, on its CPU.

    Args:
        training: the budget, which sets the precision and whether a GPU is deterministic.
        callbacks: callbacks of a training; none for a validation only.
        epochs: stretches between two validations.
        devices: GPUs (or CPU processes) that share each batch.
        gradient_clip: largest norm of the gradient.
        live: folder for DVCLive's history, which is not written where DVCLive is not installed.

    Raises:
        TrainingError: DVCLive cannot start.
    """
    on_gpu = torch.cuda.is_available()
    for message in EXPECTED_WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return lightning.Trainer(
        accelerator="gpu" if on_gpu else "cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision=precision_of(training),
        deterministic="warn" if on_gpu and training.deterministic else None,
        max_epochs=epochs,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        gradient_clip_val=gradient_clip,
        callbacks=callbacks,
        # On a cluster, too, one task starts the processes of its other devices itself.
        plugins=[AtomicCheckpointIO(), LightningEnvironment()],
        logger=(live and _dvclive(live)) or False,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_model_summary=False,
        enable_progress_bar=any(isinstance(callback, ProgressBar) for callback in callbacks),
    )


def reading_processes() -> int:
    """Return the number of reader processes per device: all granted cores for a GPU, one for a CPU that computes."""
    return min(MOST_WORKERS, len(os.sched_getaffinity(0))) if torch.cuda.is_available() else 1


def _dvclive(folder: Path) -> Logger | None:
    try:
        from dvclive.lightning import DVCLiveLogger
        from scmrepo.exceptions import SCMError
    except ModuleNotFoundError:
        logger.info("DVCLive is not installed: %s is not written; history.csv is, at the end", folder)
        return None
    try:
        read_json(folder / "metrics.json")
    except DataError:  # none yet, or truncated when a training was killed: DVCLive could not continue from that
        shutil.rmtree(folder, ignore_errors=True)
    live = DVCLiveLogger(dir=str(folder), save_dvc_exp=False, dvcyaml=None, report=None, resume=True)
    try:
        _ = live.experiment  # opens DVC's database
    except sqlite3.OperationalError as error:
        raise TrainingError(f"{folder}: DVCLive cannot start ({error}); is the disk full?") from error
    except SCMError as error:  # e.g. `git init` without a commit
        raise TrainingError(f"{folder}: DVCLive cannot start ({error}); commit the project to git first") from error
    return live

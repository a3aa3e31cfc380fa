"""Fits a network with Lightning; a killed training resumes from its checkpoint."""

import logging
import sys
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar

from img2height.training.adversarial import AdversarialModule
from img2height.training.history import History
from img2height.training.interruption import NewestCheckpoint, Patience
from img2height.training.job import TrainingJob
from img2height.training.loaders import SampleBatches
from img2height.training.module import HeightModule
from img2height.training.outcome import Outcome
from img2height.training.precision import precision_of
from img2height.training.start import Start
from img2height.training.trainer import build_trainer, reading_processes

logger = logging.getLogger(__name__)

NETWORK = "network."  # prefix of its weights in a checkpoint, which may also hold those of a discriminator


def fit(
    start: Start, job: TrainingJob, scratch: Path, *, live: Path | None, devices: int, workers: int | None
) -> Outcome | None:
    """Return how the training ended; None in all but the first of several processes.

    Args:
        start: the untrained network; it is left with the last weights.
        job: the training.
        scratch: folder for checkpoints.
        live: folder for DVCLive's history.
        devices: number of devices that share each batch.
        workers: reader processes of each device; by default chosen for the device.
    """
    module, batches = prepare(start, job, devices, reading_processes() if workers is None else workers)
    folder, history, monitor = scratch / job.digest(), History(module, batches), f"val_{job.recipe.select}"
    best = ModelCheckpoint(  # a resume continues from `newest`, so this one needs no state of the optimiser
        folder, "best", monitor=monitor, save_weights_only=True, save_on_train_epoch_end=True,
        enable_version_counter=False,
    )  # fmt: skip
    newest = NewestCheckpoint(  # after `best`, whose state it keeps
        folder, "last", save_on_train_epoch_end=True, enable_version_counter=False
    )
    patience = Patience(monitor, patience=job.training.patience)
    callbacks: list[Callback] = [history, patience, best, newest]
    if sys.stderr.isatty():
        callbacks.append(TQDMProgressBar(refresh_rate=20))
    clip = job.recipe.optimizer.gradient_clip
    trainer = build_trainer(job.training, callbacks, batches.epochs, devices=devices, gradient_clip=clip, live=live)
    last = folder / "last.ckpt"
    if last.exists():
        logger.info("resuming from %s", last)
    trainer.fit(module, datamodule=batches, ckpt_path=last if last.exists() else None, weights_only=True)
    saved = torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    trainer.strategy.barrier()  # the first process removes the checkpoints when it has written the model
    if not trainer.is_global_zero:
        return None
    weights = {name.removeprefix(NETWORK): value for name, value in saved.items() if name.startswith(NETWORK)}
    others = {name: value for name, value in module.state_dict().items() if not name.startswith(NETWORK)}
    return Outcome(start.network, weights, history.table(), precision_of(job.training), others)


def prepare(start: Start, job: TrainingJob, devices: int, workers: int) -> tuple[HeightModule, SampleBatches]:
    """Return the untrained module and the batches.

    Args:
        start: the untrained network.
        job: the training.
        devices: number of devices that share each batch.
        workers: reader processes of each device.
    """
    batches = SampleBatches(
        job.samples, job.validation_tiles(), job.reader(start.unused), start.normalisation,
        batch_size=job.recipe.batch_size, devices=devices, stretch=job.training.validate_every, workers=workers,
    )  # fmt: skip
    common = start.network, job.recipe, start.normalisation, batches.total_steps, job.seed
    if adversary := job.recipe.discriminator:
        return AdversarialModule(*common, adversary), batches
    return HeightModule(*common), batches

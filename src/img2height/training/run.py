"""Trains one method on one fold with one seed and writes the model folder."""

import logging
import os
import shutil
import sqlite3
import warnings
from pathlib import Path

import lightning
import pandas
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import Logger
from torch import nn

from img2height.errors import DataError, TrainingError
from img2height.files import atomic_folder
from img2height.inference.model import LoadedModel, load_model, save_model
from img2height.methods import build_network
from img2height.provenance import versions
from img2height.samples.dataset import fit_normalisation, spread
from img2height.samples.normalise import Normalisation
from img2height.tables import read_json
from img2height.training.adversarial import AdversarialModule
from img2height.training.checkpoints import AtomicCheckpointIO
from img2height.training.fitted import fit_tiles, fitted_on
from img2height.training.history import COLUMNS, SCORES, History, scores_of
from img2height.training.job import TrainingJob, pixel_types
from img2height.training.loaders import SampleBatches
from img2height.training.module import HeightModule

logger = logging.getLogger(__name__)

# Lightning's advice that does not fit here: small machines have few cores for readers, a resumed training finds its own
# checkpoints, a stretch may be shorter than the logging interval; the last is between Lightning and torch.
EXPECTED_WARNINGS = (
    "The `srun` command is available",
    ".*does not have many workers",
    "Checkpoint directory .* exists and is not empty",
    "The number of training batches .* is smaller than the logging interval",
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)
NETWORK = "network."  # prefix of its weights in a checkpoint, beside those of a discriminator
CHECKPOINTS = {"save_on_train_epoch_end": True, "enable_version_counter": False}


def train(
    job: TrainingJob,
    out: Path,
    scratch: Path,
    *,
    live: Path | None = None,
    devices: int = 1,
    workers: int | None = None,
) -> None:
    """Train and write `out`: model.safetensors (best), last.safetensors, card.json and history.csv.

    Args:
        job: what to train.
        out: the model folder.
        scratch: folder of this training alone, for checkpoints; a training that was killed goes on from there.
        live: folder for DVCLive's history, which can be watched while the training runs.
        devices: GPUs (or, without one, CPU processes) that share each batch.
        workers: reading processes; None takes what suits the device. They change no byte.

    Raises:
        TrainingError: no training or validation tile, scenes of several pixel types, a loss that is not a number, or a
            batch that the devices cannot share.
    """
    if job.recipe.batch_size % devices:
        raise TrainingError(f"a batch of {job.recipe.batch_size} cannot be shared by {devices} devices; take fewer")
    if not torch.cuda.is_available():
        torch.set_num_threads(job.training.threads)
    for part, name in (("train", "training"), ("val", "validation")):
        if job.part(part).empty:
            raise TrainingError(f"fold {job.fold} has no {name} tile; check roles, split and buffer")
    dtypes = pixel_types(job)
    ready = _starting_model(job)
    normalisation, fitted = _normalisation(job, ready)
    val_tiles = spread(job.part("val"), job.training.val_tiles)
    batches = SampleBatches(
        job.samples, val_tiles, job.reader(), normalisation, batch_size=job.recipe.batch_size, devices=devices,
        stretch=job.training.validate_every, workers=_workers() if workers is None else workers,
    )  # fmt: skip
    torch.manual_seed(job.seed)
    network = build_network(job.recipe.network, {n: len(b) for n, b in job.recipe.inputs.items()}, job.recipe.options)
    if ready:
        network.load_state_dict(ready.network.state_dict())
    kind = AdversarialModule if job.recipe.discriminator else HeightModule
    module = kind(network, job.recipe, normalisation, batches.total_steps, job.seed)
    if not _trainable(network):
        history, best = _validate(module, batches, job)
    else:
        folder = scratch / job.fingerprint()
        trainer, history, best = _fit(module, batches, job, folder, live)
        if not trainer.is_global_zero:
            return
    _write(job, module, history, best, {"dtypes": dtypes, "fitted_on": fitted}, out)
    shutil.rmtree(scratch, ignore_errors=True)


def _normalisation(job: TrainingJob, ready: LoadedModel | None) -> tuple[Normalisation, dict | None]:
    """Return the normalisation, and what it was fitted on; both those of the model to go on from, if there is one."""
    if ready:
        return ready.normalisation, ready.card.get("fitted_on")
    modes, tiles = job.recipe.normalisation, fit_tiles(job.part("train"))
    return fit_normalisation(tiles, job.reader(), modes.height, modes.image), fitted_on(tiles)


def _starting_model(job: TrainingJob) -> LoadedModel | None:
    """Return the model to go on from, whose weights only fit the normalisation that they were trained with."""
    if job.recipe.init_from is None:
        return None
    ready = load_model(job.recipe.init_from)
    for key in ("network", "options", "inputs", "outputs", "target", "normalisation"):
        if (wanted := getattr(job.recipe, key)) != (found := getattr(ready.recipe, key)):
            raise TrainingError(
                f"init_from {job.recipe.init_from}: its {key} is {found}, the recipe's {wanted}; "
                "start from a model of the same network, or train from scratch"
            )
    return ready


def _workers() -> int:
    return min(8, os.cpu_count() or 1) if torch.cuda.is_available() else 1


def _trainable(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def _fit(
    module: HeightModule, batches: SampleBatches, job: TrainingJob, folder: Path, live: Path | None
) -> tuple[lightning.Trainer, pandas.DataFrame, dict]:
    """Return the trainer, the history and the best weights; `module` is left with the last ones."""
    history = History()
    monitor = f"val_{job.recipe.select}"
    best = ModelCheckpoint(folder, "best", monitor=monitor, **CHECKPOINTS)
    newest = ModelCheckpoint(folder, "last", **CHECKPOINTS)  # after `best`, whose state it keeps
    patience = EarlyStopping(monitor, patience=job.training.patience)
    callbacks = [history, patience, TQDMProgressBar(refresh_rate=20), best, newest]
    trainer = _trainer(job, callbacks, batches.epochs, devices=batches.devices, live=live)
    last = folder / "last.ckpt"
    if last.exists():
        logger.info("resuming from %s", last)
    trainer.fit(module, datamodule=batches, ckpt_path=last if last.exists() else None, weights_only=True)
    saved = torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    trainer.strategy.barrier()  # the first process removes the checkpoints when it has written the model
    weights = {name.removeprefix("network."): value for name, value in saved.items() if name.startswith("network.")}
    return trainer, history.table(), weights


def _validate(module: HeightModule, batches: SampleBatches, job: TrainingJob) -> tuple[pandas.DataFrame, dict]:
    """Return a history of one row and the weights of a network that has nothing to train."""
    trainer = _trainer(job, [], 1)
    trainer.validate(module, datamodule=batches, verbose=False)
    row = [0, 0, 0.0, float("nan"), *scores_of(trainer.callback_metrics)]
    return pandas.DataFrame([row], columns=COLUMNS), module.network.state_dict()


def _trainer(
    job: TrainingJob, callbacks: list, epochs: int, *, devices: int = 1, live: Path | None = None
) -> lightning.Trainer:
    on_gpu = torch.cuda.is_available()
    for message in EXPECTED_WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    return lightning.Trainer(
        accelerator="gpu" if on_gpu else "cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision=job.training.precision.gpu if on_gpu else job.training.precision.cpu,
        max_epochs=epochs,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        gradient_clip_val=job.recipe.optimizer.gradient_clip,
        callbacks=callbacks,
        plugins=[AtomicCheckpointIO()],
        logger=_dvclive(live) if live else False,
        enable_checkpointing=bool(callbacks),
        enable_model_summary=False,
        enable_progress_bar=bool(callbacks),
    )


def _dvclive(folder: Path) -> Logger:
    from dvclive.lightning import DVCLiveLogger

    try:
        read_json(folder / "metrics.json")
    except DataError:  # none yet, or cut off when a training was killed: DVCLive could not go on from that
        shutil.rmtree(folder, ignore_errors=True)
    live = DVCLiveLogger(dir=str(folder), save_dvc_exp=False, dvcyaml=None, report=None, resume=True)
    try:
        _ = live.experiment  # opens DVC's database
    except sqlite3.OperationalError as error:
        raise TrainingError(f"{folder}: DVCLive cannot start ({error}); is the disk full?") from error
    return live


def _write(
    job: TrainingJob, module: HeightModule, history: pandas.DataFrame, best: dict, facts: dict, out: Path
) -> None:
    network = module.network
    others = {name: value for name, value in module.state_dict().items() if not name.startswith(NETWORK)}
    row = history.loc[history[f"val_{job.recipe.select}"].idxmin()]
    first = job.part("train").iloc[0]
    seen = next(scene for scene in job.scenes if (scene.dataset, scene.name) == (first["dataset"], first["scene"]))
    card = {
        "method": job.method,
        "fold": job.fold,
        "seed": job.seed,
        "recipe": job.recipe.model_dump(mode="json"),
        "normalisation": module.normalisation.to_json(),
        "gsd_m": seen.grid.gsd_m,
        **facts,
        "tile_px": int(job.tiles["size_px"].iloc[0]),
        "training": job.training.model_dump(mode="json"),
        "best": {"step": int(row["step"]), **{name: row[name] for name in SCORES if pandas.notna(row[name])}},
        "trainable_parameters": _trainable(network),
        "batchnorm_buffers": sum(b.numel() for n, b in network.named_buffers() if n.endswith(("_mean", "_var"))),
        "versions": versions(),
    }
    with atomic_folder(out) as folder:
        save_model(folder, network, best, card, others)
        history.to_csv(folder / "history.csv", index=False)

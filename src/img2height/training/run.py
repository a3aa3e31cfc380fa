"""Trains one method on one fold with one seed and writes the model folder."""

import contextlib
import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import lightning
import pandas
import torch
from filelock import FileLock, Timeout
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.utilities import rank_zero_only
from torch import nn

from img2height.cpu import set_up_cpu
from img2height.errors import TrainingError
from img2height.io.atomic import atomic_folder
from img2height.methods import build_network
from img2height.models.folder import LoadedModel, load_model, save_model
from img2height.provenance import versions
from img2height.samples.normalise import Normalisation
from img2height.samples.reader import fit_normalisation, spread
from img2height.training.adversarial import AdversarialModule
from img2height.training.fitted import fit_tiles, fitted_on
from img2height.training.history import COLUMNS, SCORES, History, scores_of
from img2height.training.interruption import NewestCheckpoint, Patience
from img2height.training.job import TrainingJob, check_layers, pixel_types
from img2height.training.loaders import SampleBatches
from img2height.training.module import HeightModule
from img2height.training.trainer import build_trainer, reading_processes

logger = logging.getLogger(__name__)

NETWORK = "network."  # prefix of its weights in a checkpoint, which may also hold those of a discriminator
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
        job: the training.
        out: the model folder.
        scratch: folder for the checkpoints of this training only; a killed training resumes from there.
        live: folder for DVCLive's history, which can be watched while the training runs.
        devices: GPUs (or, without one, CPU processes) that share each batch.
        workers: reader processes; by default chosen for the device. They do not change any byte.

    A training asked to stop by SIGTERM or SIGUSR1 saves a checkpoint after the current step and exits with
    `interruption.INTERRUPTED`; the same call resumes with the next step.

    Raises:
        TrainingError: no training or validation tile, scenes of different data types, a loss that is not finite, or a
            batch that the devices cannot share.
        DataError: a layer does not match the manifest of its scene.
    """
    if job.recipe.batch_size % devices:
        raise TrainingError(f"a batch of {job.recipe.batch_size} cannot be shared by {devices} devices; use fewer")
    for part, name in (("train", "training"), ("val", "validation")):
        if job.part(part).empty:
            raise TrainingError(f"fold {job.fold} has no {name} tile; check roles, split and buffer")
    dtypes = pixel_types(job)
    with _alone(scratch):
        module, batches = prepare(job, devices, reading_processes() if workers is None else workers)
        check_layers(job)
        if not _trainable(module.network):
            history, best = _validate(module, batches, job)
        else:
            trainer, history, best = _fit(module, batches, job, scratch / job.digest(), live)
            if not trainer.is_global_zero:
                return
        _write(job, module, history, best, dtypes, out)
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def _alone(scratch: Path) -> Iterator[None]:
    """Wait for a training that still runs here, which happens if only the program that started it was killed."""
    if rank_zero_only.rank:  # the first of several processes holds the lock for all
        yield
        return
    scratch.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(scratch.with_name(f"{scratch.name}.lock"))  # next to it, because the folder is removed at the end
    try:
        lock.acquire(blocking=False)
    except Timeout:
        logger.info("%s: another process is training here; waiting for it to end", scratch)
        lock.acquire()
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # a waiting process notices that it is gone and makes another
        lock.release()


def prepare(job: TrainingJob, devices: int, workers: int) -> tuple[HeightModule, SampleBatches]:
    """Return the untrained module and the batches.

    Args:
        job: the training.
        devices: number of devices that share each batch.
        workers: reader processes of each device.
    """
    if not torch.cuda.is_available():
        set_up_cpu(job.training.threads)
    ready = _starting_model(job)
    normalisation = ready.normalisation if ready else _fit_normalisation(job)
    val_tiles = spread(job.part("val"), job.training.val_tiles)
    batches = SampleBatches(
        job.samples, val_tiles, job.reader(), normalisation, batch_size=job.recipe.batch_size, devices=devices,
        stretch=job.training.validate_every, workers=workers,
    )  # fmt: skip
    torch.manual_seed(job.seed)
    network = build_network(job.recipe.network, {n: len(b) for n, b in job.recipe.inputs.items()}, job.recipe.options)
    if ready:
        network.load_state_dict(ready.network.state_dict())
    kind = AdversarialModule if job.recipe.discriminator else HeightModule
    return kind(network, job.recipe, normalisation, batches.total_steps, job.seed), batches


def _fit_normalisation(job: TrainingJob) -> Normalisation:
    modes = job.recipe.normalisation
    return fit_normalisation(fit_tiles(job.part("train")), job.reader(), modes.height, modes.image)


def _fitted_on(job: TrainingJob) -> dict | None:
    """Return which tiles the normalisation was fitted on; those of the starting model, if there is one."""
    ready = _starting_model(job)
    return ready.card.get("fitted_on") if ready else fitted_on(fit_tiles(job.part("train")))


def _starting_model(job: TrainingJob) -> LoadedModel | None:
    """Return the model to start from; its weights only fit the normalisation that they were trained with."""
    if job.recipe.init_from is None:
        return None
    ready = load_model(job.recipe.init_from)
    for key in ("network", "options", "inputs", "outputs", "target", "normalisation"):
        if (wanted := getattr(job.recipe, key)) != (found := getattr(ready.recipe, key)):
            raise TrainingError(
                f"init_from {job.recipe.init_from}: its {key} is {found}, but the recipe's is {wanted}; "
                "start from a model of the same network, or train from scratch"
            )
    return ready


def _trainable(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def _fit(
    module: HeightModule, batches: SampleBatches, job: TrainingJob, folder: Path, live: Path | None
) -> tuple[lightning.Trainer, pandas.DataFrame, dict]:
    """Return the trainer, the history and the best weights; `module` is left with the last ones."""
    history = History()
    monitor = f"val_{job.recipe.select}"
    best = ModelCheckpoint(folder, "best", monitor=monitor, **CHECKPOINTS)
    newest = NewestCheckpoint(folder, "last", **CHECKPOINTS)  # after `best`, whose state it keeps
    patience = Patience(monitor, patience=job.training.patience)
    callbacks = [history, patience, best, newest]
    if sys.stderr.isatty():
        callbacks.append(TQDMProgressBar(refresh_rate=20))
    clip = job.recipe.optimizer.gradient_clip
    trainer = build_trainer(
        job.training, callbacks, batches.epochs, devices=batches.devices, gradient_clip=clip, live=live
    )
    last = folder / "last.ckpt"
    if last.exists():
        logger.info("resuming from %s", last)
    trainer.fit(module, datamodule=batches, ckpt_path=last if last.exists() else None, weights_only=True)
    saved = torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    trainer.strategy.barrier()  # the first process removes the checkpoints when it has written the model
    weights = {name.removeprefix(NETWORK): value for name, value in saved.items() if name.startswith(NETWORK)}
    return trainer, history.table(), weights


def _validate(module: HeightModule, batches: SampleBatches, job: TrainingJob) -> tuple[pandas.DataFrame, dict]:
    """Return a one-row history and the weights of a network that has nothing to train."""
    trainer = build_trainer(job.training, [], 1)
    trainer.validate(module, datamodule=batches, verbose=False)
    row = [0, 0, 0.0, float("nan"), *scores_of(trainer.callback_metrics)]
    return pandas.DataFrame([row], columns=COLUMNS), module.network.state_dict()


def _write(
    job: TrainingJob, module: HeightModule, history: pandas.DataFrame, best: dict, dtypes: dict[str, str], out: Path
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
        "dtypes": dtypes,
        "fitted_on": _fitted_on(job),
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

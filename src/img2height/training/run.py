"""Trains one method on one fold with one seed and writes the model folder."""

import os
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas
import torch

from img2height.cpu import set_up_cpu
from img2height.errors import TrainingError
from img2height.io.atomic import atomic_folder
from img2height.io.locks import alone
from img2height.io.tables import rows_of
from img2height.methods import batchnorm_buffers
from img2height.models.card import Budget, Card
from img2height.models.folder import save_model
from img2height.models.trained import with_areas
from img2height.provenance.versions import versions
from img2height.training.job import TrainingJob, check_layers, pixel_types
from img2height.training.outcome import Outcome
from img2height.training.scorable import require_scorable
from img2height.training.start import Start, start_of
from img2height.training.untrained import validate
from img2height.training.validation import SCORES


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
        TrainingError: no training or validation tile, no validation pixel that can be scored, scenes of different data
            types, a loss or score that is not finite, or a batch that the devices cannot share.
        DataError: a layer does not match the manifest of its scene.
    """
    if job.recipe.batch_size % devices:
        raise TrainingError(f"a batch of {job.recipe.batch_size} cannot be shared by {devices} devices; use fewer")
    for part, name in (("train", "training"), ("val", "validation")):
        if job.part(part).empty:
            raise TrainingError(f"fold {job.fold} has no {name} tile; check roles, split and buffer")
    dtypes = pixel_types(job)
    first = not int(os.environ.get("LOCAL_RANK", 0))  # set by Lightning: the first of several processes locks for all
    with (
        alone(scratch) if first else nullcontext()
    ):  # if only the program is killed, its training still uses the folder
        if not torch.cuda.is_available():
            set_up_cpu(job.training.threads)
        start = start_of(job)
        check_layers(job)
        require_scorable(job, start.unused)
        outcome = _outcome(start, job, scratch, live, devices, workers)
        if outcome:
            _write(job, start, outcome, dtypes, out)
            shutil.rmtree(scratch, ignore_errors=True)


def _outcome(
    start: Start, job: TrainingJob, scratch: Path, live: Path | None, devices: int, workers: int | None
) -> Outcome | None:
    if not start.trainable:
        return validate(start, job)
    from img2height.training.fit import fit  # imports Lightning, which takes longer than a baseline

    return fit(start, job, scratch, live=live, devices=devices, workers=workers)


def _write(job: TrainingJob, start: Start, outcome: Outcome, dtypes: dict[str, str], out: Path) -> None:
    network, history = outcome.network, outcome.history
    scores = history[f"val_{job.recipe.select}"].to_numpy()
    if np.isnan(scores).all():
        raise TrainingError(
            f"{job.method}, fold {job.fold}, seed {job.seed}: val_{job.recipe.select} is not a number in any "
            "validation; lower optimizer.lr, or train with 32-true (training.precision)"
        )
    row = rows_of(history)[np.nanargmin(scores)]
    first = job.part("train").iloc[0]
    seen = next(scene for scene in job.scenes if (scene.dataset, scene.name) == (first["dataset"], first["scene"]))
    card = Card(
        method=job.method,
        fold=job.fold,
        seed=job.seed,
        recipe=job.recipe,
        normalisation=start.normalisation,
        gsd_m=seen.grid.gsd_m,
        dtypes={layer: dtype for layer, dtype in dtypes.items() if layer not in start.unused},
        fitted_on=start.fitted_on,
        trained_on=with_areas(start.before, job.scenes, job.areas, job.fold),
        tile_px=int(job.tiles["size_px"].iloc[0]),
        training=Budget(**job.training.model_dump()),
        best={"step": int(row["step"]), **{name: row[name] for name in SCORES if pandas.notna(row[name])}},
        precision=outcome.precision,
        trainable_parameters=start.trainable,
        batchnorm_buffers=batchnorm_buffers(network),
        code=job.code(),
        versions=versions(),
        **({"pretrained": start.pretrained} if start.pretrained else {}),
    )
    with atomic_folder(out) as folder:
        save_model(folder, network, outcome.best, card, outcome.others)
        history.to_csv(folder / "history.csv", index=False)

"""Batches of the sample table, one stretch between two validations at a time."""

import os
import signal
import threading
from collections.abc import Iterator

import lightning
import numpy as np
import pandas
import rasterio
import torch
from torch.utils.data import DataLoader, Sampler
from torch.utils.data.dataloader import _BaseDataLoaderIter

from img2height.samples.normalise import Normalisation
from img2height.samples.reader import TileReader
from img2height.training.dataset import Batch, SampleDataset
from img2height.training.interruption import SIGNALS

CACHE_BYTES = 2**28  # of decoded blocks, per worker; by default GDAL takes 5 % of the machine's memory for each


class StretchSampler(Sampler[list[int]]):
    """The rows of one stretch, batch by batch, for one of several devices.

    Rows are dealt out in turn, so that a step sees the same rows on any number of devices. If the last batch is not
    divisible, its first rows count twice.

    Args:
        batch_size: rows per step, on all devices together.
        devices: number of devices that share a batch.
    """

    def __init__(self, batch_size: int, devices: int = 1):
        self.batch_size = batch_size
        self.devices = devices

    def begin(self, rows: range, *, first: int = 0, device: int = 0) -> None:
        """Select the stretch that is served next.

        Args:
            rows: of the sample table.
            first: the first batch; earlier ones were trained before a resume.
            device: number of this device.
        """
        self.batches = [rows[start : start + self.batch_size] for start in range(0, len(rows), self.batch_size)]
        self.first = first
        self.device = device

    def __len__(self) -> int:
        """Return the number of batches of the whole stretch, because Lightning counts from its beginning."""
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches[self.first :]:
            shared = np.resize(batch, -(-len(batch) // self.devices) * self.devices)
            yield shared[self.device :: self.devices].tolist()


class SampleBatches(lightning.LightningDataModule):
    """Serves the training samples in the order of their table, read and normalised while the device computes.

    An epoch is a stretch of `stretch` rows. The next rows follow from the step number alone, so that a resumed
    training continues with the next one, even in the middle of a stretch.

    Args:
        samples: the sample table.
        val_tiles: rows of tiles to validate on; each device validates all of them, as a single one would.
        reader: reads windows; used by the workers, so it must not have opened any file before.
        normalisation: from the training tiles.
        batch_size: samples per step.
        devices: number of devices that share a batch.
        stretch: samples between two validations.
        workers: reader processes of each device.
    """

    def __init__(
        self, samples: pandas.DataFrame, val_tiles: pandas.DataFrame, reader: TileReader,
        normalisation: Normalisation, *, batch_size: int, devices: int, stretch: int, workers: int,
    ):  # fmt: skip
        super().__init__()
        self.train = SampleDataset(samples, reader, normalisation)
        self.val = SampleDataset(val_tiles, reader, normalisation)
        self.batch_size = batch_size
        self.devices = devices
        self.stretch = stretch
        self.sampler = StretchSampler(batch_size, devices)
        # Kept over all stretches, with their workers and open files.
        self.train_batches = _loader(self.train, workers, batches=self.sampler)
        self.val_batches = _loader(self.val, workers, batch_size=batch_size // devices)

    @property
    def epochs(self) -> int:
        """Number of stretches in the budget."""
        return -(-len(self.train) // self.stretch)

    @property
    def steps_per_stretch(self) -> int:
        """Optimiser steps of every stretch but the last, which may be shorter."""
        return -(-self.stretch // self.batch_size)

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole budget."""
        before = self.epochs - 1
        return before * self.steps_per_stretch + -(-(len(self.train) - before * self.stretch) // self.batch_size)

    def samples_after(self, epoch: int) -> int:
        """Return the number of samples seen at the end of a stretch."""
        return min((epoch + 1) * self.stretch, len(self.train))

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the batches from the current step to the end of its stretch."""
        assert self.trainer is not None  # Lightning sets it before it asks for batches
        step = self.trainer.global_step
        epoch = min(step // self.steps_per_stretch, self.epochs - 1)
        rows = range(epoch * self.stretch, self.samples_after(epoch))
        self.sampler.begin(rows, first=step - epoch * self.steps_per_stretch, device=self.trainer.global_rank)
        return self.train_batches

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the validation batches."""
        return self.val_batches


class PatientLoader(DataLoader[Batch]):
    """A loader whose workers end only when the training ends them.

    Schedulers signal every process of a job, but a training needs its workers until it has finished its step.
    """

    def __iter__(self) -> _BaseDataLoaderIter:
        """Return the batches; fork workers with signals blocked, because some of their threads start immediately."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            return super().__iter__()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _loader(
    data: SampleDataset, workers: int, *, batch_size: int = 1, batches: StretchSampler | None = None
) -> PatientLoader:
    """Return a loader of batches of one size, or of given batches."""
    return PatientLoader(
        data, batch_size, batch_sampler=batches, num_workers=workers, persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(), worker_init_fn=_begin_worker,
    )  # fmt: skip


def _begin_worker(worker: int) -> None:
    threading.Thread(target=_obey_the_training, daemon=True).start()
    _limit_cache(worker)


def _limit_cache(worker: int) -> None:
    rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES).__enter__()  # for the lifetime of the worker


def _obey_the_training() -> None:
    while signal.sigwaitinfo(SIGNALS).si_pid != os.getppid():
        pass
    os._exit(0)

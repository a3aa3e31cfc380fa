"""Batches of the sample table, one stretch between two validations at a time."""

import lightning
import pandas
from torch.utils.data import DataLoader, Subset

from img2height.samples.dataset import SampleDataset, TileReader
from img2height.samples.normalise import Normalisation


class SampleBatches(lightning.LightningDataModule):
    """Serves the training samples in the order of their table.

    An epoch is a stretch of `stretch` rows, so a training resumed at a validation goes on with the very next row.

    Args:
        samples: the sample table.
        val_tiles: rows of tiles to validate on.
        reader: reads windows; used by the workers, so nothing may have been read with it before.
        normalisation: from the training tiles.
        batch_size: samples a step.
        devices: that share a batch; Lightning deals the rows out to them in turn, so a step sees the same rows.
        stretch: samples between two validations.
        workers: reading processes.
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
        self.workers = workers

    @property
    def epochs(self) -> int:
        """Number of stretches in the budget."""
        return -(-len(self.train) // self.stretch)

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole budget."""
        lengths = [len(self._stretch(epoch)) for epoch in range(self.epochs)]
        return sum(-(-length // self.batch_size) for length in lengths)

    def samples_after(self, epoch: int) -> int:
        """Return how many samples were seen when a stretch has ended."""
        return min((epoch + 1) * self.stretch, len(self.train))

    def _stretch(self, epoch: int) -> Subset:
        return Subset(self.train, range(epoch * self.stretch, self.samples_after(epoch)))

    def train_dataloader(self) -> DataLoader:
        """Return the batches of the current stretch."""
        return self._loader(self._stretch(self.trainer.current_epoch))

    def val_dataloader(self) -> DataLoader:
        """Return the validation batches."""
        return self._loader(self.val)

    def _loader(self, data: Subset | SampleDataset) -> DataLoader:
        return DataLoader(data, self.batch_size // self.devices, num_workers=self.workers)

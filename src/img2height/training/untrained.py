"""Validates networks without trainable parameters. Lightning is not imported: that takes longer than a baseline."""

import pandas
import torch
from torch.utils.data import DataLoader

from img2height.training.dataset import SampleDataset
from img2height.training.job import TrainingJob
from img2height.training.outcome import COLUMNS, Outcome
from img2height.training.precision import FLOAT32
from img2height.training.start import Start
from img2height.training.validation import NAN, ValidationSums, scores_of


@torch.no_grad()
def validate(start: Start, job: TrainingJob) -> Outcome:
    """Return the network as it is, with a one-row history."""
    network, sums = start.network.eval(), ValidationSums(job.recipe)
    tiles = SampleDataset(job.validation_tiles(), job.reader(start.unused), start.normalisation)
    for batch in DataLoader(tiles, job.recipe.batch_size):
        sums.add(network(batch["inputs"]), batch)
    scores = {name: torch.tensor(score) for name, score in sums.scores().items()}  # float32, as in other histories
    row = [0, 0, 0.0, NAN, *scores_of(scores)]
    return Outcome(network, network.state_dict(), pandas.DataFrame([row], columns=COLUMNS), FLOAT32)

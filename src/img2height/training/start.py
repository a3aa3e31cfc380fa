"""What a training starts from: a new or a trained network, and the normalisation of its inputs and heights."""

from dataclasses import dataclass

import torch
from torch import nn

from img2height.io.origins import PretrainedEncoder
from img2height.methods import build_network, pretrained_from, require_optional, trainable_parameters
from img2height.models.card import FittedOn, TrainedOn
from img2height.models.fitted import fit_tiles, fitted_on
from img2height.models.folder import LoadedModel, load_model
from img2height.models.trained import refuse_tested, require_same_network, trained_before
from img2height.samples.normalise import Normalisation
from img2height.samples.reader import fit_normalisation
from img2height.training.job import TrainingJob


@dataclass(frozen=True)
class Start:
    """What a training starts from.

    Attributes:
        network: before its first step.
        normalisation: fitted on the training tiles, or that of the starting model.
        fitted_on: the tiles that it was fitted on; None if the starting model does not say.
        before: what the network was trained on already.
        pretrained: origin of the weights of its encoder; None if all of them are random.
    """

    network: nn.Module
    normalisation: Normalisation
    fitted_on: FittedOn | None
    before: TrainedOn
    pretrained: PretrainedEncoder | None

    @property
    def trainable(self) -> int:
        """The number of trainable parameters; baselines have none."""
        return trainable_parameters(self.network)


def start_of(job: TrainingJob) -> Start:
    """Return what a training starts from. The initial weights, and all later random numbers, follow from the seed.

    Raises:
        TrainingError: the starting model has another network, or was trained on areas that are tested.
    """
    require_optional(job.recipe.network, job.recipe.optional)
    ready = _starting_model(job)
    before = trained_before(job.recipe, ready.card if ready else None)
    refuse_tested(job.recipe, before, job.scenes, job.areas, [job.fold])
    if ready:
        normalisation, fitted = ready.normalisation, ready.card.fitted_on
    else:
        tiles, modes = fit_tiles(job.part("train")), job.recipe.normalisation
        normalisation, fitted = fit_normalisation(tiles, job.reader(), modes.height, modes.image), fitted_on(tiles)
    pretrained = pretrained_from(job.recipe.network, job.recipe.options)
    torch.manual_seed(job.seed)
    network = build_network(job.recipe.network, {n: len(b) for n, b in job.recipe.inputs.items()}, job.recipe.options)
    if ready:
        network.load_state_dict(ready.network.state_dict())
    return Start(network, normalisation, fitted, before, pretrained)


def _starting_model(job: TrainingJob) -> LoadedModel | None:
    """Return the model to start from, if there is one."""
    if job.recipe.init_from is None:
        return None
    ready = load_model(job.recipe.init_from)
    require_same_network(job.recipe, ready.recipe)
    return ready

"""What a training starts from: a new or a trained network, and the normalisation of its inputs and heights."""

from dataclasses import dataclass

import torch
from torch import nn

from img2height.errors import SettingsError
from img2height.io.origins import PretrainedEncoder
from img2height.methods import build_network, pretrained_from, require_optional, trainable_parameters
from img2height.models.card import FittedOn, TrainedOn
from img2height.models.fitted import fit_tiles, fitted_on
from img2height.models.folder import LoadedModel, load_model
from img2height.models.trained import refuse_tested, require_same_network, require_same_pixels, trained_before
from img2height.samples.normalise import Normalisation
from img2height.samples.reader import fit_normalisation
from img2height.settings.recipe import Recipe
from img2height.training.job import TrainingJob, unused_inputs
from img2height.vocabulary.outputs import AUXILIARY


@dataclass(frozen=True)
class Start:
    """What a training starts from.

    Attributes:
        network: before its first step.
        normalisation: fitted on the training tiles, or that of the starting model.
        fitted_on: the tiles that it was fitted on; None if the starting model does not say.
        before: what the network was trained on already.
        pretrained: origin of the weights of its encoder; None if all of them are random.
        unused: optional inputs that are not read, see `unused_inputs`.
    """

    network: nn.Module
    normalisation: Normalisation
    fitted_on: FittedOn | None
    before: TrainedOn
    pretrained: PretrainedEncoder | None
    unused: list[str]

    @property
    def trainable(self) -> int:
        """The number of trainable parameters; baselines have none."""
        return trainable_parameters(self.network)


def start_of(job: TrainingJob) -> Start:
    """Return what a training starts from. The initial weights, and all later random numbers, follow from the seed.

    Raises:
        SettingsError: the network needs inputs that are optional, or does not predict the outputs of the recipe.
        TrainingError: the starting model has another network, or was trained on other pixels or on areas that are
            tested.
    """
    require_optional(job.recipe.network, job.recipe.optional)
    _require_outputs(job)
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
    network = _network(job.recipe)
    if ready:
        network.load_state_dict(ready.network.state_dict())
    return Start(network, normalisation, fitted, before, pretrained, unused_inputs(job, normalisation))


def _network(recipe: Recipe) -> nn.Module:
    return build_network(recipe.network, {n: len(b) for n, b in recipe.inputs.items()}, recipe.options)


def _require_outputs(job: TrainingJob) -> None:
    """Raise a SettingsError unless the network predicts the outputs of the recipe: no loss would be of the others."""
    recipe, side = job.recipe, int(job.tiles["size_px"].iloc[0])
    with torch.device("meta"):  # only shapes: no weights, no computing
        found = _network(recipe).eval()({n: torch.empty(1, len(b), side, side) for n, b in recipe.inputs.items()})
    if (predicted := {name for name in found if not name.startswith(AUXILIARY)}) != set(recipe.outputs):
        raise SettingsError(
            f"method {job.method}: outputs name {', '.join(recipe.outputs)}, but network {recipe.network} with its "
            f"options predicts {', '.join(sorted(predicted))}; change outputs and loss, or the options"
        )


def _starting_model(job: TrainingJob) -> LoadedModel | None:
    """Return the model to start from, if there is one."""
    if job.recipe.init_from is None:
        return None
    ready = load_model(job.recipe.init_from)
    require_same_network(job.recipe, ready.recipe)
    require_same_pixels(job.recipe, ready.card, job.trained_scenes())
    return ready

"""The network of a model: normalised windows in, metres and probabilities out."""

import numpy as np
import torch

from img2height.errors import ModelError
from img2height.inference.engines import open_engine
from img2height.inference.inputs import InputWindow
from img2height.io.rasters import Band, height_band
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import clip_heights
from img2height.settings.protocol import Inference
from img2height.vocabulary.outputs import CLASSES, HEIGHT
from img2height.vocabulary.quantities import RELATIVE, SPREAD


def bands_of(model: LoadedModel, draws: int = 0) -> list[Band]:
    """Return the bands that a model predicts: heights, probabilities of the classes of pixels, with draws a spread."""
    relative = model.normalisation.mode == "relative"
    height = Band(RELATIVE, "1") if relative else height_band(model.recipe.target)
    classes = [Band(CLASSES[name].band, "1") for name in model.recipe.classes]
    return [height, *classes, *([Band(SPREAD, height.unit)] if draws else [])]


class Network:
    """The network of a model, computed by an engine.

    Args:
        model: see `load_model`.
        device: torch's name, or `auto`.
        settings: engine, side of the windows and batch size.
        draws: see `mean_and_spread`.
        seed: of the draws.

    Attributes:
        batch_size: windows computed together.
    """

    def __init__(self, model: LoadedModel, device: str, settings: Inference, *, draws: int = 0, seed: int = 0):
        self.engine = open_engine(model, device, settings, draws=draws, seed=seed)
        self.batch_size = self.engine.batch_size
        self.normalisation = model.normalisation
        self.recipe = model.recipe
        self.draws = draws

    def predict(self, windows: list[InputWindow]) -> np.ndarray:
        """Return the values of a batch of windows, B x bands x H x W float64; a model without heights gives NaN."""
        layers = windows[0].inputs
        inputs = {layer: np.stack([window.inputs[layer] for window in windows]) for layer in layers}  # B x C x H x W
        outputs = self.engine(inputs)  # B x 1 x H x W
        if lacking := [name for name in self.recipe.outputs if name not in outputs]:
            raise ModelError(
                f"the network does not predict {', '.join(lacking)}, which its recipe names in outputs; correct "
                "outputs or the options in the recipe, and train it again"
            )
        if not all(np.isfinite(output).all() for output in outputs.values()):
            raise ModelError("the network returns values that are not finite: its training diverged; train it again")
        values = [np.full((len(windows), *next(iter(outputs.values())).shape[-2:]), np.nan)]  # B x H x W each
        if HEIGHT in self.recipe.outputs:
            offsets_m = np.array([window.offset_m for window in windows])[:, None, None]  # B x 1 x 1
            values = [self._heights(_band(outputs[HEIGHT]), offsets_m)]
        values += [_probability(outputs[name]) for name in self.recipe.classes]
        if self.draws:
            relative = self.normalisation.mode == "relative"
            values.append(_band(outputs["spread"]) * (0.5 if relative else self.normalisation.scale_m))
        return np.stack(values, axis=1)

    def _heights(self, heights: np.ndarray, offsets_m: np.ndarray) -> np.ndarray:
        if self.normalisation.mode == "relative":
            return (heights + 1) / 2
        return clip_heights(self.normalisation.to_metres(heights, offsets_m), self.recipe.target)


def _band(values: np.ndarray) -> np.ndarray:
    return values[:, 0].astype(np.float64)


def _probability(scores: np.ndarray) -> np.ndarray:
    """Return the probability of a class, B x H x W float64, for the scores of both classes, B x 2 x H x W."""
    return torch.from_numpy(scores).double().softmax(dim=1)[:, 1].numpy()

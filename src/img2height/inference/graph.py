"""The whole prediction of one window as one graph of tensors: normalisation, network and metres."""

import torch
from torch import Tensor, nn

from img2height.inference.network import bands_of
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import RANGES, clip_heights
from img2height.vocabulary.layers import INITIAL
from img2height.vocabulary.outputs import HEIGHT


class MetricHeights(nn.Module):
    """A network from stored pixel values to metres, the same numbers as those of `Network`, for export.

    Args:
        model: its network is used as it is.

    Attributes:
        layers: the inputs, in order.
        outputs: names of the results, in order.
    """

    def __init__(self, model: LoadedModel):
        super().__init__()
        self.network = model.network
        self.normalisation = model.normalisation
        self.recipe = model.recipe
        self.layers = list(model.inputs)
        bands = [band.description for band in bands_of(model)]
        self.outputs = bands if HEIGHT in model.recipe.outputs else bands[1:]  # their heights are missing everywhere

    def forward(self, *images: Tensor) -> tuple[Tensor, ...]:
        """Return B x 1 x H x W float32 for each of `outputs`; NaN where an input is missing that is not optional.

        An optional layer that is NaN everywhere counts as not given.

        Args:
            images: B x C x H x W float32 for each of `layers`, values as stored; NaN is missing.
        """
        given = dict(zip(self.layers, images, strict=True))
        valids = {layer: ~image.isnan().any(dim=1, keepdim=True) for layer, image in given.items()}  # B x 1 x H x W
        inputs = {layer: self._scaled(layer, image, valids[layer]) for layer, image in given.items()}
        offset_m: Tensor | float = self.normalisation.offset_m
        if INITIAL in given:
            surface, valid = given[INITIAL].double(), valids[INITIAL]
            count = valid.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
            mean_m = torch.where(valid, surface, 0).sum(dim=(1, 2, 3), keepdim=True) / count  # B x 1 x 1 x 1
            centred = (surface - mean_m) / self.normalisation.scale_m
            inputs[INITIAL] = torch.where(valid, centred, self._blank(INITIAL)).float()
            offset_m = mean_m if self.normalisation.mode == "patch_centred" else offset_m
        outputs, results = self.network(inputs), []
        if HEIGHT in self.recipe.outputs:
            results.append(self._heights(outputs[HEIGHT].double(), offset_m))
        results += [outputs[name].softmax(dim=1)[:, 1:] for name in self.recipe.classes]
        required = [valid for layer, valid in valids.items() if layer not in self.recipe.optional]
        valid = torch.stack(required).all(dim=0) if required else torch.stack(list(valids.values())).any(dim=0)
        return tuple(torch.where(valid, result.float(), torch.nan) for result in results)

    def _scaled(self, layer: str, image: Tensor, valid: Tensor) -> Tensor:
        """Return a layer as `Normalisation.apply` does; a surface model is centred afterwards."""
        if layer not in self.normalisation.image:
            return image
        statistics = torch.tensor(list(self.normalisation.image[layer].values()))  # C x 2
        scaled = (image - statistics[:, 0, None, None]) / statistics[:, 1, None, None]
        if self.normalisation.image_mode in RANGES:
            scaled = scaled.clamp(*RANGES[self.normalisation.image_mode])
        return torch.where(valid, scaled, self._blank(layer))

    def _blank(self, layer: str) -> float:
        return torch.nan if layer in self.recipe.optional else 0.0

    def _heights(self, heights: Tensor, offset_m: Tensor | float) -> Tensor:
        if self.normalisation.mode == "relative":
            return (heights + 1) / 2
        return clip_heights(heights * self.normalisation.scale_m + offset_m, self.recipe.target)

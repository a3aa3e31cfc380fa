"""SqueezeNet with DenseDepth's decoder; see `img2height.methods._depth_decoder` for the paper.

Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer (2016), "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters
and <0.5MB model size", https://arxiv.org/abs/1602.07360, from torchvision.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn
from torchvision.models import SqueezeNet, squeezenet1_0, squeezenet1_1

from img2height.errors import SettingsError
from img2height.methods._depth_decoder import DepthNetwork
from img2height.methods._weights import is_frozen, load_encoder_weights


@dataclass(frozen=True)
class Encoder:
    """One of torchvision's two versions: the layers whose outputs the decoder uses, their channels."""

    model: Callable[[], SqueezeNet]
    taps: tuple[int, ...]
    channels: tuple[int, ...]


ENCODERS = {
    "squeezenet1_0": Encoder(squeezenet1_0, (1, 5, 10, 12), (96, 256, 512, 512)),
    "squeezenet1_1": Encoder(squeezenet1_1, (1, 4, 7, 12), (64, 128, 256, 512)),
}


def build(
    bands: dict[str, int], *, encoder: str = "squeezenet1_1", weights: str = "none",
    freeze_encoder: bool | str = "auto", half_features: bool = False,
) -> nn.Module:  # fmt: skip
    """Return SqueezeNet with three decoder blocks, for images of at least 17 (version 1.0: 21) pixels.

    Args:
        bands: number of bands by layer; pretrained weights are for three in all.
        encoder: `squeezenet1_0` or `squeezenet1_1`.
        weights: `none`, or a file with torchvision's names; see `load_encoder_weights`.
        freeze_encoder: true, false, or auto: frozen if weights are given.
        half_features: the decoder starts with 256 channels instead of 512.

    Raises:
        SettingsError: the weights cannot be loaded, or an option has an invalid value.
    """
    if encoder not in ENCODERS:
        raise SettingsError(f"encoder is {encoder!r}; available: {', '.join(ENCODERS)}")
    chosen = ENCODERS[encoder]
    model = chosen.model()
    model.classifier = nn.Identity()
    first = model.features[0]
    if (count := sum(bands.values())) != first.in_channels:
        model.features[0] = nn.Conv2d(count, first.out_channels, first.kernel_size, stride=2)
    load_encoder_weights(model, encoder, weights)
    width = chosen.channels[-1] // (2 if half_features else 1)
    frozen = is_frozen(weights, freeze_encoder)
    return DepthNetwork(list(bands), model.features, chosen.taps, chosen.channels, width=width, frozen=frozen)

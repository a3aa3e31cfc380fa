"""MobileNetV2 with DenseDepth's decoder; see `img2height.methods._depth_decoder` for the paper.

Sandler, Howard, Zhu, Zhmoginov and Chen (2018), "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
https://arxiv.org/abs/1801.04381, from torchvision.
"""

from torch import nn
from torchvision.models import mobilenet_v2

from img2height.methods._depth_decoder import DepthNetwork
from img2height.methods._weights import is_frozen, load_encoder_weights

TAPS = (1, 3, 6, 13, 18)
CHANNELS = (16, 24, 32, 96, 1280)
ENCODER = "mobilenet_v2"  # torchvision's name


def build(
    bands: dict[str, int], *, weights: str = "none", freeze_encoder: bool | str = "auto", half_features: bool = False
) -> nn.Module:
    """Return MobileNetV2 with four decoder blocks.

    Args:
        bands: number of bands by layer; pretrained weights are for three in all.
        weights: `none`, or a file with torchvision's names; see `load_encoder_weights`.
        freeze_encoder: true, false, or auto: frozen if weights are given.
        half_features: the decoder starts with 640 channels instead of 1,280.

    Raises:
        SettingsError: the weights cannot be loaded, or an option has an invalid value.
    """
    model = mobilenet_v2()
    model.classifier = nn.Identity()
    if (count := sum(bands.values())) != model.features[0][0].in_channels:
        model.features[0][0] = nn.Conv2d(count, 32, 3, stride=2, padding=1, bias=False)
    load_encoder_weights(model, ENCODER, weights)
    width = CHANNELS[-1] // (2 if half_features else 1)
    frozen = is_frozen(weights, freeze_encoder)
    return DepthNetwork(list(bands), model.features, TAPS, CHANNELS, width=width, frozen=frozen)

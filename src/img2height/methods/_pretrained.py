"""Pretrained encoders for more bands than red, green and blue."""

import segmentation_models_pytorch as smp
from timm.models import adapt_input_conv
from torch import nn
from torchvision.models import WeightsEnum, get_model_weights

from img2height.errors import SettingsError
from img2height.methods._weights import FETCH, NONE, load_encoder_weights

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


def pretrain(encoder: nn.Module, rgb: nn.Module, weights: str, published: WeightsEnum) -> None:
    """Load pretrained weights into an encoder; those of red, green and blue are repeated over all bands, and scaled.

    Args:
        encoder: the encoder to fill; its first weight is that of the convolution on the bands.
        rgb: the same encoder with three bands and torchvision's names.
        weights: `imagenet` or a file, see `load_encoder_weights`.
        published: torchvision's weights.

    Raises:
        SettingsError: the weights cannot be loaded, or belong to another encoder.
    """
    load_encoder_weights(rgb, weights, lambda: published.get_state_dict(**FETCH), published.url)
    state = rgb.state_dict()
    first = next(iter(state))
    state[first] = adapt_input_conv(encoder.state_dict()[first].shape[1], state[first])
    encoder.load_state_dict(state)


def pretrain_resnet(encoder: nn.Module, name: str, weights: str) -> None:
    """Load pretrained weights into an encoder of segmentation-models-pytorch, if requested; see `pretrain`.

    Raises:
        SettingsError: this encoder is not a ResNet.
    """
    if weights == NONE:
        return
    if name not in RESNETS:
        raise SettingsError(f"{name} cannot take the weights {weights!r}; set weights: none, or use a ResNet")
    pretrain(encoder, smp.encoders.get_encoder(name, weights=None), weights, get_model_weights(name)["IMAGENET1K_V1"])

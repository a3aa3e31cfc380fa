"""Pretrained encoders that look at more bands than red, green and blue."""

import segmentation_models_pytorch as smp
from timm.models import adapt_input_conv
from torch import nn
from torchvision.models import WeightsEnum, get_model_weights

from img2height.errors import SettingsError
from img2height.methods._weights import FETCH, NONE, load_encoder_weights

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


def pretrain(encoder: nn.Module, rgb: nn.Module, weights: str, published: WeightsEnum) -> None:
    """Fill an encoder with pretrained weights; those of red, green and blue are repeated over all bands, and scaled.

    Args:
        encoder: what to fill; its first weight is that of the convolution that sees the bands.
        rgb: the same encoder of three bands, with torchvision's names.
        weights: `imagenet` or a file, see `load_encoder_weights`.
        published: torchvision's weights.

    Raises:
        SettingsError: the weights cannot be had, or are not those of this encoder.
    """
    load_encoder_weights(rgb, weights, lambda: published.get_state_dict(**FETCH), published.url)
    state = rgb.state_dict()
    first = next(iter(state))
    state[first] = adapt_input_conv(encoder.state_dict()[first].shape[1], state[first])
    encoder.load_state_dict(state)


def pretrain_resnet(encoder: nn.Module, name: str, weights: str) -> None:
    """Fill an encoder of segmentation-models-pytorch, where weights are asked for; see `pretrain`.

    Raises:
        SettingsError: this encoder is no ResNet.
    """
    if weights == NONE:
        return
    if name not in RESNETS:
        raise SettingsError(f"weights are {weights!r}, which {name} cannot take; set weights: none, or take a ResNet")
    pretrain(encoder, smp.encoders.get_encoder(name, weights=None), weights, get_model_weights(name)["IMAGENET1K_V1"])

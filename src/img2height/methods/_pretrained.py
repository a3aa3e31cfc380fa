"""Pretrained encoders for more bands than red, green and blue."""

import segmentation_models_pytorch as smp
from timm.models import adapt_input_conv
from torch import nn

from img2height.errors import SettingsError
from img2height.methods._weights import NONE, PACKAGED, load_encoder_weights

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
LITES = tuple(PACKAGED)  # EfficientNet-Lite: Tan and Le (2019), https://arxiv.org/abs/1905.11946, without attention


def pretrain(encoder: nn.Module, rgb: nn.Module, name: str, weights: str) -> None:
    """Load pretrained weights into an encoder; those of red, green and blue are repeated over all bands, and scaled.

    Args:
        encoder: the encoder to fill; its first weight is that of the convolution on the bands.
        rgb: the same encoder with three bands and the library's names.
        name: of the encoder in its library.
        weights: `imagenet` or a file, see `load_encoder_weights`.

    Raises:
        SettingsError: the weights cannot be loaded, or belong to another encoder.
    """
    load_encoder_weights(rgb, name, weights)
    state = rgb.state_dict()
    first = next(iter(state))
    state[first] = adapt_input_conv(encoder.state_dict()[first].shape[1], state[first])
    encoder.load_state_dict(state)


def pretrain_encoder(encoder: nn.Module, name: str, weights: str, depth: int = 5) -> None:
    """Load pretrained weights into an encoder of segmentation-models-pytorch, if requested; see `pretrain`.

    Args:
        encoder: the encoder to fill.
        name: its name in the library.
        weights: see `load_encoder_weights`.
        depth: its number of halvings.

    Raises:
        SettingsError: there are no weights for this encoder.
    """
    if weights == NONE:
        return
    if name not in RESNETS + LITES:
        raise SettingsError(
            f"{name} cannot take the weights {weights!r}; set weights: none, or use one of {', '.join(LITES + RESNETS)}"
        )
    pretrain(encoder, smp.encoders.get_encoder(name, depth=depth, weights=None), name, weights)

"""ResDepth: Stucker and Schindler (2022), "ResDepth: A Deep Residual Prior For 3D Reconstruction From High-Resolution
Satellite Images", https://arxiv.org/abs/2106.08107.

Names and shapes of the weights are those of the authors' code, so that their checkpoints can be loaded.
"""  # noqa: D205

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from img2height.errors import SettingsError
from img2height.methods._convolutions import ToOneChannel, Upsampling
from img2height.vocabulary.layers import INITIAL, VIEWS

MAX_CHANNELS = 512
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": partial(nn.ReLU, inplace=True),
    "lrelu": partial(nn.LeakyReLU, inplace=True),
    "prelu": nn.PReLU,
}


class ResDepth(nn.Module):
    """U-Net with additive skips that predicts the correction to an initial surface model.

    Args:
        layers: input layers in the order of their channels.
        in_channels: total number of channels.
        depth: number of poolings; height and width of the inputs are multiples of 2 ** depth.
        start_kernel: channels of the first level; each level doubles them, up to 512.
        outer_skip: add the initial surface model to the output.
        outer_skip_bn: apply batch norm to it first.
        up_mode: `transpose` (transposed convolution) or `bilinear` (interpolation and a 1 x 1 convolution).
        activation_encoder: `relu`, `lrelu` or `prelu`.
        activation_decoder: the same.
        activation_bottleneck: the same.
        batch_norm: apply batch norm after each convolution; without it the convolutions have a bias.
        bias_last: the last convolution has a bias.
        zero_last: initialise the last convolution with zeros, so that an untrained network returns the initial surface
            model (our option).
    """

    def __init__(
        self, layers: list[str], in_channels: int, *, depth: int = 5, start_kernel: int = 64, outer_skip: bool = True,
        outer_skip_bn: bool = False, up_mode: str = "transpose", activation_encoder: str = "relu",
        activation_decoder: str = "relu", activation_bottleneck: str = "relu", batch_norm: bool = True,
        bias_last: bool = True, zero_last: bool = False,
    ):  # fmt: skip
        super().__init__()
        widths = [min(MAX_CHANNELS, start_kernel << level) for level in range(depth)]
        deepest = widths[-1]
        self.layers = layers
        self.outer_skip = outer_skip
        self.encoder = nn.ModuleList(
            nn.Sequential(_convolution(i, o, activation_encoder, batch_norm), nn.MaxPool2d(2))
            for i, o in zip([in_channels, *widths], widths, strict=False)
        )
        self.bottleneck = _convolution(deepest, deepest, activation_bottleneck, batch_norm)
        self.decoder = nn.ModuleList(
            nn.Sequential(_upsampling(i, up_mode), _convolution(i, o, activation_decoder, batch_norm))
            for i, o in zip(widths[::-1], widths[-2::-1], strict=False)
        )
        self.decoder.append(_upsampling(widths[0], up_mode))
        self.last_layer = ToOneChannel(widths[0], bias=bias_last)
        self.layer_outer_skip = nn.Sequential(nn.BatchNorm2d(1)) if outer_skip_bn else nn.Identity()
        if zero_last:
            for parameter in self.last_layer.parameters():
                nn.init.zeros_(parameter)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the normalised height of each pixel.

        Args:
            inputs: normalised `dsm_initial`, B x 1 x H x W, and `views`, B x k x H x W, as far as they are in use.
        """
        x = torch.cat([inputs[layer] for layer in self.layers], dim=1)  # B x (1 + k) x H x W
        skips = []
        for level in self.encoder:
            convolution, pool = cast(nn.Sequential, level)
            skips.append(convolution(x))  # B x 64,128,256,512,512 x H,H/2,H/4,H/8,H/16 x ...
            x = pool(skips[-1])
        x = self.bottleneck(x)  # B x 512 x H/32 x W/32
        for level in self.decoder[:-1]:
            upsampling, convolution = cast(nn.Sequential, level)
            x = convolution(upsampling(x) + skips.pop())  # B x 512,256,128,64 x H/16,H/8,H/4,H/2 x ...
        height = self.last_layer(self.decoder[-1](x) + skips.pop())  # B x 1 x H x W
        return {"height": height + self.layer_outer_skip(inputs[INITIAL]) if self.outer_skip else height}


def _convolution(in_channels: int, channels: int, activation: str, batch_norm: bool) -> nn.Sequential:
    norm = [nn.BatchNorm2d(channels)] if batch_norm else []
    convolution = nn.Conv2d(in_channels, channels, 3, padding=1, bias=not batch_norm)
    return nn.Sequential(convolution, *norm, ACTIVATIONS[activation]())


def _upsampling(channels: int, mode: str) -> nn.Module:
    if mode == "transpose":
        return Upsampling(channels, channels)
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(channels, channels, 1))


def build(bands: dict[str, int], *, images_only: bool = False, **options: Any) -> nn.Module:
    """Return a ResDepth network: ResDepth-0 without images, ResDepth-mono with one, ResDepth-stereo with two.

    Args:
        bands: number of channels of `dsm_initial` and `views`.
        images_only: the network sees only the images; the initial surface model only defines from where heights are
            measured.
        options: see `ResDepth`.

    Raises:
        SettingsError: an option has an invalid value, or needs an input that the network does not see.
    """
    layers = [layer for layer in (INITIAL, VIEWS) if layer in bands and not (images_only and layer == INITIAL)]
    if not layers or set(bands) - {INITIAL, VIEWS}:
        raise SettingsError(f"resdepth uses dsm_initial and views, found {', '.join(bands)}; change the inputs")
    if options.get("outer_skip", True) and INITIAL not in layers:
        raise SettingsError(
            "resdepth: outer_skip adds the initial surface model to the output, but the network does not see it; "
            "set outer_skip: false, or add dsm_initial to the inputs"
        )
    if options.get("outer_skip_bn") and not options.get("outer_skip", True):
        raise SettingsError("resdepth: outer_skip_bn normalises the outer skip, which is off; set outer_skip: true")
    _check_choices(options)
    return ResDepth(layers, sum(bands[layer] for layer in layers), **options)


def _check_choices(options: dict[str, Any]) -> None:
    parts = ("encoder", "decoder", "bottleneck")
    choices = {f"activation_{part}": list(ACTIVATIONS) for part in parts} | {"up_mode": ["transpose", "bilinear"]}
    for name in choices.keys() & options.keys():
        if options[name] not in choices[name]:
            raise SettingsError(f"resdepth: {name} is {options[name]!r}; available: {', '.join(choices[name])}")
    for name in {"depth", "start_kernel"} & options.keys():
        if options[name] < 1:
            raise SettingsError(f"resdepth: {name} is {options[name]}; it must be at least 1")

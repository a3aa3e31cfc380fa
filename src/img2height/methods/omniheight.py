"""Heights from any subset of an image, radar, views and a raw surface model; our own network.

Each input has its own encoder: the image a pretrained one, the others a light one. At each scale the features of the
inputs that are there are fused, see `Fusion`. A surface model is where the heights start: what is predicted is a
correction of it, which is 0 before the first step. A head for footprints decides, pixel by pixel, between the height of
a building and that of all else.
"""

from collections.abc import Mapping

import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoderBlock
from torch import Tensor, nn
from torch.nn import functional

from img2height.errors import SettingsError
from img2height.methods._pretrained import pretrain_encoder
from img2height.vocabulary.layers import INITIAL, INPUTS

TAKES_MISSING = True  # optional inputs may be absent, or NaN in part
DEPTH = 5  # halvings
LIGHT = (1, 1, 2, 2, 4, 4)  # channels of a light encoder by level, in multiples of `light`
SKIPS = (1, 1, 2, 2, 4, 8)  # channels of fused features by level, in multiples of `skip`
STARTS = ("surface", "above_terrain", "none")

Features = list[Tensor]  # by level, B x C x H / 2^level x W / 2^level


class LightEncoder(nn.Module):
    """Two convolutions per level, from full resolution down."""

    def __init__(self, bands: int, width: int):
        super().__init__()
        self.out_channels = [width * times for times in LIGHT]
        before = [bands, *self.out_channels]
        self.levels = nn.ModuleList(
            nn.Sequential(_convolution(i, o, stride=2 if level else 1), _convolution(o, o))
            for level, (i, o) in enumerate(zip(before, self.out_channels, strict=False))
        )

    def forward(self, x: Tensor) -> Features:
        """Return the features of all levels."""
        features = []
        for level in self.levels:
            x = level(x)
            features.append(x)
        return features


class ImageEncoder(nn.Module):
    """An encoder of segmentation-models-pytorch, and a convolution at full resolution, where it has none."""

    def __init__(self, bands: int, name: str, weights: str, width: int):
        super().__init__()
        self.fine = _convolution(bands, width)
        self.coarse = smp.encoders.get_encoder(name, in_channels=bands, depth=DEPTH, weights=None)
        pretrain_encoder(self.coarse, name, weights, DEPTH)
        self.out_channels = [width, *self.coarse.out_channels[1:]]

    def forward(self, x: Tensor) -> Features:
        """Return the features of all levels."""
        return [self.fine(x), *self.coarse(x)[1:]]


class Fusion(nn.Module):
    """The features of all inputs at one level as one map.

    Half of its channels are the sum of each input's own projection, the other half the mean of projections into a
    shared space, over the inputs that are there: its values have the same range for any number of inputs.

    Args:
        channels: of each input.
        width: channels of the result.
    """

    def __init__(self, channels: Mapping[str, int], width: int):
        super().__init__()
        self.projections = nn.ModuleDict({layer: nn.Conv2d(c, width, 1, bias=False) for layer, c in channels.items()})
        self.norm = nn.BatchNorm2d(width)

    def forward(self, features: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> Tensor:
        """Return B x width x H x W.

        Args:
            features: of each input, B x C x H x W.
            there: the share of valid pixels of each input, B x 1 x H x W.
        """
        total = torch.stack([self.projections[layer](x) * there[layer] for layer, x in features.items()]).sum(dim=0)
        own, shared = total.chunk(2, dim=1)
        mean = shared / torch.stack(list(there.values())).sum(dim=0).clamp(min=1e-3)
        return functional.relu(self.norm(torch.cat([own, mean], dim=1)))


class OmniHeight(nn.Module):
    """U-Net on fused features whose heights start from a surface model where there is one.

    Args:
        bands: number of bands by layer.
        encoder: of the image, a name of segmentation-models-pytorch.
        weights: of that encoder.
        light: channels at full resolution of the other encoders.
        skip: half of the channels at full resolution after fusion.
        width: channels of the coarsest level of the decoder.
        start: see `build`.
        terrain_px: likewise.
        buildings: likewise.
    """

    def __init__(
        self, bands: dict[str, int], *, encoder: str, weights: str, light: int, skip: int, width: int, start: str,
        terrain_px: int, buildings: bool,
    ):  # fmt: skip
        super().__init__()
        self.start, self.terrain_px = start if INITIAL in bands else "none", terrain_px
        encoders: dict[str, ImageEncoder | LightEncoder] = {
            layer: ImageEncoder(count, encoder, weights, light) if layer == "eo" else LightEncoder(count, light)
            for layer, count in bands.items()
        }
        self.encoders = nn.ModuleDict(encoders)
        fused = [2 * skip * times for times in SKIPS]
        self.fusions = nn.ModuleList(
            Fusion({layer: one.out_channels[level] for layer, one in encoders.items()}, channels)
            for level, channels in enumerate(fused)
        )
        widths = [max(width >> level, 16) for level in range(DEPTH)]
        self.decoder = nn.ModuleList(
            UnetDecoderBlock(i, s, o) for i, s, o in zip([fused[-1], *widths], fused[-2::-1], widths, strict=False)
        )
        self.heads = nn.ModuleDict({"height": nn.Conv2d(widths[-1], 1 + buildings, 3, padding=1)})
        if buildings:
            self.heads["footprint"] = nn.Conv2d(widths[-1], 2, 3, padding=1)
        if self.start != "none":
            self.heads["correction"] = nn.Conv2d(widths[-1], 1 + buildings, 3, padding=1)
            for parameter in self.heads["correction"].parameters():
                nn.init.zeros_(parameter)

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return normalised heights, B x 1 x H x W, and footprint logits, B x 2 x H x W.

        Args:
            inputs: by layer, B x C x H x W; NaN where missing. Height and width are multiples of 32.
        """
        given = {layer: inputs[layer] for layer in self.encoders if layer in inputs}
        valid = {layer: x.isfinite().all(dim=1, keepdim=True) for layer, x in given.items()}  # B x 1 x H x W
        given = {layer: torch.where(valid[layer], x, 0) for layer, x in given.items()}
        features = {layer: self._encoded(layer, x, valid[layer]) for layer, x in given.items()}
        skips = []
        for level, fusion in enumerate(self.fusions):
            there = {layer: functional.avg_pool2d(share.float(), 2**level) for layer, share in valid.items()}
            skips.append(fusion({layer: maps[level] for layer, maps in features.items()}, there))
        x = skips.pop()
        for block in self.decoder:
            skip = skips.pop()
            x = block(x, *skip.shape[-2:], skip)
        outputs = {name: head(x) for name, head in self.heads.items()}
        logits = outputs.get("footprint")
        heights = gated(outputs["height"], logits)
        if "correction" in outputs:
            correction = gated(outputs.pop("correction"), logits)
            if INITIAL in given:
                heights = torch.where(valid[INITIAL], self._started(given[INITIAL]) + correction, heights)
        return {**outputs, "height": heights}

    def _encoded(self, layer: str, x: Tensor, valid: Tensor) -> Features:
        """Return the features of an input; while training, its batch norms see only the samples that have it."""
        encoder = self.encoders[layer]
        there = valid.flatten(1).any(dim=1)  # B
        if not self.training or there.all():
            return encoder(x)
        if there.any():
            found = encoder(x[there])
            return [f.new_zeros(len(x), *f.shape[1:]).index_put((there,), f) for f in found]
        encoder.eval()  # only so that each device has a gradient, of 0, for each parameter
        found = encoder(x)
        encoder.train()
        return found

    def _started(self, surface: Tensor) -> Tensor:
        """Return where the heights start: the surface model, or its height above its lowest surroundings."""
        if self.start == "surface":
            return surface
        return surface - opening(surface, self.terrain_px)


def gated(heights: Tensor, logits: Tensor | None) -> Tensor:
    """Return the mean of the heights of what is not a building and of a building, weighted with the probabilities.

    Args:
        heights: of both, B x 2 x H x W; without footprints B x 1 x H x W, which are returned.
        logits: footprint logits, B x 2 x H x W; None without footprints.
    """
    return heights if logits is None else (heights * logits.softmax(dim=1)).sum(dim=1, keepdim=True)


def opening(heights: Tensor, side_px: int) -> Tensor:
    """Return a map without what is narrower than a square: its greatest lower envelope made of such squares.

    Args:
        heights: B x 1 x H x W.
        side_px: of the square, odd.
    """

    def highest(x: Tensor) -> Tensor:
        for kernel in ((side_px, 1), (1, side_px)):
            x = functional.max_pool2d(x, kernel, 1, (kernel[0] // 2, kernel[1] // 2))
        return x

    return highest(-highest(-heights))


def _convolution(in_channels: int, channels: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


def build(
    bands: dict[str, int], *, encoder: str = "tu-tf_efficientnet_lite0", weights: str = "none", light: int = 16,
    skip: int = 8, width: int = 128, start: str = "above_terrain", terrain_px: int = 63, buildings: bool = False,
) -> nn.Module:  # fmt: skip
    """Return an `OmniHeight` network.

    Args:
        bands: number of bands by layer.
        encoder: of the image, a name of segmentation-models-pytorch.
        weights: of that encoder: `none`, `imagenet` or a file, see `load_encoder_weights`.
        light: channels at full resolution of the other encoders.
        skip: half of the channels at full resolution after fusion.
        width: channels of the coarsest level of the decoder.
        start: where the heights start if there is a surface model: `surface` (itself), `above_terrain` (its height
            above its opening, for heights above ground) or `none`.
        terrain_px: side of the opening's square; what is wider counts as terrain. Odd.
        buildings: whether it predicts footprints, and heights as the mean of those of a building and of all else,
            weighted with the probability of a footprint.

    Raises:
        SettingsError: an option has an invalid value, or the weights cannot be loaded.
    """
    if start not in STARTS:
        raise SettingsError(f"omniheight: start is {start!r}; available: {', '.join(STARTS)}")
    if terrain_px < 1 or terrain_px % 2 == 0:
        raise SettingsError(f"omniheight: terrain_px is {terrain_px}; it must be odd and positive")
    ordered = {layer: bands[layer] for layer in INPUTS if layer in bands}  # initial weights are drawn in this order
    return OmniHeight(
        ordered, encoder=encoder, weights=weights, light=light, skip=skip, width=width, start=start,
        terrain_px=terrain_px, buildings=buildings,
    )  # fmt: skip

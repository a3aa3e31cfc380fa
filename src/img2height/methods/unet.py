"""A small modern U-Net from segmentation-models-pytorch, the reference method for every published network.

Ronneberger, Fischer and Brox (2015), https://arxiv.org/abs/1505.04597, with a ResNet or a pretrained encoder.
"""

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from img2height.methods._pretrained import pretrain_encoder

HEADS = {"height": 1, "footprint": 2, "wall": 2}  # channels: a linear height, and two logits for a class of pixels


class UNet(nn.Module):
    """U-Net with linear heads, over all bands of all its input layers."""

    def __init__(
        self, bands: dict[str, int], heads: dict[str, int], *, encoder: str, weights: str, depth: int,
        decoder_channels: list[int],
    ):  # fmt: skip
        super().__init__()
        self.layers = list(bands)
        self.heads = heads
        self.net = smp.Unet(
            encoder, encoder_depth=depth, encoder_weights=None, decoder_channels=decoder_channels,
            in_channels=sum(bands.values()), classes=sum(heads.values()),
        )  # fmt: skip
        pretrain_encoder(self.net.encoder, encoder, weights, depth)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return normalised heights, B x 1 x H x W, and logits, B x 2 x H x W, of layers of B x C x H x W."""
        x = torch.cat([inputs[layer] for layer in self.layers], dim=1)  # B x sum of C x H x W
        return dict(zip(self.heads, self.net(x).split(list(self.heads.values()), dim=1), strict=True))


def build(
    bands: dict[str, int], *, encoder: str = "resnet18", weights: str = "none", depth: int = 4, width: int = 128,
    buildings: bool = False,
) -> nn.Module:  # fmt: skip
    """Return a U-Net whose decoder starts with `width` channels and halves them at each upsampling step.

    Args:
        bands: number of bands by layer.
        encoder: name in segmentation-models-pytorch.
        weights: of the encoder: `none`, `imagenet` or a file, see `load_encoder_weights`.
        depth: halvings of the encoder.
        width: channels at the start of the decoder.
        buildings: whether it also predicts footprints and the walls between them.

    Raises:
        SettingsError: the weights cannot be loaded, or there are none for this encoder.
    """
    heads, channels = HEADS if buildings else {"height": 1}, [width >> i for i in range(depth)]
    return UNet(bands, heads, encoder=encoder, weights=weights, depth=depth, decoder_channels=channels)

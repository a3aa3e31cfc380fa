"""A small modern U-Net from segmentation-models-pytorch, the reference method for every published network.

Ronneberger, Fischer and Brox (2015), https://arxiv.org/abs/1505.04597, with a ResNet or a pretrained encoder.
"""

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from img2height.methods._pretrained import pretrain_encoder


class UNet(nn.Module):
    """U-Net with a linear height head, over all bands of all its input layers."""

    def __init__(self, bands: dict[str, int], *, encoder: str, weights: str, depth: int, decoder_channels: list[int]):
        super().__init__()
        self.layers = list(bands)
        self.net = smp.Unet(
            encoder, encoder_depth=depth, encoder_weights=None, decoder_channels=decoder_channels,
            in_channels=sum(bands.values()), classes=1,
        )  # fmt: skip
        pretrain_encoder(self.net.encoder, encoder, weights, depth)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the normalised height, B x 1 x H x W, of layers of B x C x H x W."""
        x = torch.cat([inputs[layer] for layer in self.layers], dim=1)  # B x sum of C x H x W
        return {"height": self.net(x)}  # B x 1 x H x W


def build(
    bands: dict[str, int], *, encoder: str = "resnet18", weights: str = "none", depth: int = 4, width: int = 128
) -> nn.Module:
    """Return a U-Net whose decoder starts with `width` channels and halves them at each upsampling step.

    Args:
        bands: number of bands by layer.
        encoder: name in segmentation-models-pytorch.
        weights: of the encoder: `none`, `imagenet` or a file, see `load_encoder_weights`.
        depth: halvings of the encoder.
        width: channels at the start of the decoder.

    Raises:
        SettingsError: the weights cannot be loaded, or there are none for this encoder.
    """
    channels = [width >> i for i in range(depth)]
    return UNet(bands, encoder=encoder, weights=weights, depth=depth, decoder_channels=channels)

"""UPerNet: Xiao, Liu, Zhou, Jiang and Sun (2018), "Unified Perceptual Parsing for Scene Understanding",
https://arxiv.org/abs/1807.10221, from segmentation-models-pytorch.
"""  # noqa: D205

import segmentation_models_pytorch as smp
from torch import nn

from img2height.methods._pretrained import LITES, RESNETS, pretrain_encoder
from img2height.methods._two_heads import OUT_CHANNELS, PooledBatchNorm, TwoHeads, require_available


def build(
    bands: dict[str, int], *, encoder: str = "resnet50", weights: str = "none", width: int = 256, gating: str = "none"
) -> nn.Module:
    """Return UPerNet with two heads.

    Args:
        bands: number of bands by layer.
        encoder: a ResNet or EfficientNet-Lite; heights and widths of the inputs are multiples of 32.
        weights: of the encoder: `none`, `imagenet`, or a file, see `load_encoder_weights`.
        width: channels of the feature pyramid.
        gating: see `TwoHeads`.

    Raises:
        SettingsError: an option has an invalid value, or the weights cannot be loaded.
    """
    require_available("encoder", encoder, RESNETS + LITES)
    trunk = smp.UPerNet(
        encoder, encoder_weights=None, decoder_channels=width, in_channels=sum(bands.values()), classes=OUT_CHANNELS
    )
    pretrain_encoder(trunk.encoder, encoder, weights)
    whole_image = trunk.decoder.psp.blocks[0][1]
    whole_image[1] = PooledBatchNorm(width)
    return TwoHeads(bands, trunk, gating)

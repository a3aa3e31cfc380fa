"""DeepLabv3+: Chen, Zhu, Papandreou, Schroff and Adam (2018), "Encoder-Decoder with Atrous Separable Convolution for
Semantic Image Segmentation", https://arxiv.org/abs/1802.02611, from segmentation-models-pytorch.
"""  # noqa: D205

import segmentation_models_pytorch as smp
from torch import nn

from img2height.methods._pretrained import LITES, RESNETS, pretrain_encoder
from img2height.methods._two_heads import OUT_CHANNELS, PooledBatchNorm, TwoHeads, require_available

ENCODERS = (*RESNETS, *LITES, "tu-xception41", "tu-xception65", "tu-xception71")  # tu: timm's aligned Xception
ATROUS_RATES = (6, 12, 18)  # at output stride 16


def build(
    bands: dict[str, int], *, encoder: str = "resnet50", weights: str = "none", width: int = 256, gating: str = "none"
) -> nn.Module:
    """Return DeepLabv3+ at output stride 16 with two heads.

    Args:
        bands: number of bands by layer.
        encoder: see `ENCODERS`; heights and widths of the inputs are multiples of 16.
        weights: of the encoder: `none`, `imagenet`, or a file, see `load_encoder_weights`; none for Xceptions.
        width: channels of the pyramid and the decoder.
        gating: see `TwoHeads`.

    Raises:
        SettingsError: an option has an invalid value, or the weights cannot be loaded.
    """
    require_available("encoder", encoder, ENCODERS)
    trunk = smp.DeepLabV3Plus(
        encoder, encoder_weights=None, encoder_output_stride=16, decoder_atrous_rates=ATROUS_RATES,
        decoder_channels=width, in_channels=sum(bands.values()), classes=OUT_CHANNELS,
    )  # fmt: skip
    pretrain_encoder(trunk.encoder, encoder, weights)
    image_pooling = trunk.decoder.aspp[0].convs[-1]
    image_pooling[2] = PooledBatchNorm(width)
    return TwoHeads(bands, trunk, gating)

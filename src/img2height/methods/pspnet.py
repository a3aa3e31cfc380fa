"""PSPNet: Zhao, Shi, Qi, Wang and Jia (2017), "Pyramid Scene Parsing Network", https://arxiv.org/abs/1612.01105.

Encoder and pyramid come from segmentation-models-pytorch; the layers after its pyramid are narrower than in the paper.
"""

import segmentation_models_pytorch as smp
from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.base.modules import Conv2dReLU
from torch import Tensor, nn

from img2height.methods._pretrained import LITES, RESNETS, pretrain_encoder
from img2height.methods._two_heads import OUT_CHANNELS, PooledBatchNorm, TwoHeads, require_available

STRIDE = 8
DROPOUT = 0.1


class PSPNet(TwoHeads):
    """PSPNet with two heads, and two auxiliary ones on the third stage that are only used in training.

    Args:
        bands: number of bands by layer.
        encoder: a ResNet or EfficientNet-Lite, dilated to output stride 8.
        weights: of the encoder: `none`, `imagenet`, or a file, see `load_encoder_weights`.
        width: channels after the pyramid; the auxiliary heads have half of them.
        gating: see `TwoHeads`.
    """

    trunk: smp.PSPNet

    def __init__(self, bands: dict[str, int], *, encoder: str, weights: str, width: int, gating: str):
        trunk = smp.PSPNet(
            encoder, encoder_weights=None, encoder_depth=5, output_stride=STRIDE, psp_out_channels=width,
            psp_dropout=DROPOUT, in_channels=sum(bands.values()), classes=OUT_CHANNELS,
        )  # fmt: skip
        pretrain_encoder(trunk.encoder, encoder, weights)
        third, deepest = trunk.encoder.out_channels[-2:]
        whole_image = Conv2dReLU(deepest, deepest // 4, 1)
        whole_image[1] = PooledBatchNorm(deepest // 4)
        trunk.decoder.psp.blocks[0].pool[1] = whole_image
        trunk.decoder.conv = Conv2dReLU(2 * deepest, width, 3, padding=1)
        trunk.segmentation_head = SegmentationHead(width, OUT_CHANNELS, kernel_size=1, upsampling=STRIDE)
        super().__init__(bands, trunk, gating)
        self.auxiliary = nn.Sequential(
            Conv2dReLU(third, width // 2, 3, padding=1),
            nn.Dropout2d(DROPOUT),
            SegmentationHead(width // 2, OUT_CHANNELS, kernel_size=1, upsampling=STRIDE),
        )

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return footprint logits and height as `TwoHeads` does, in training also `aux_footprint` and `aux_height`."""
        features = self.trunk.encoder(self.joined(inputs))  # the last two: B x 1024,2048 x H/8 x W/8
        outputs = self.heads(self.trunk.segmentation_head(self.trunk.decoder(features)))  # B x 2,1 x H x W
        if self.training:
            auxiliary = self.heads(self.auxiliary(features[-2]))  # B x 2,1 x H x W
            outputs |= {f"aux_{name}": maps for name, maps in auxiliary.items()}
        return outputs


def build(
    bands: dict[str, int], *, encoder: str = "resnet50", weights: str = "none", width: int = 512, gating: str = "none"
) -> nn.Module:
    """Return PSPNet with two heads; see `PSPNet` for the options.

    Raises:
        SettingsError: an option has an invalid value, or the weights cannot be loaded.
    """
    require_available("encoder", encoder, RESNETS + LITES)
    return PSPNet(bands, encoder=encoder, weights=weights, width=width, gating=gating)

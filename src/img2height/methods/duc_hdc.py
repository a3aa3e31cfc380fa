"""DUC-HDC: Wang, Chen, Yuan, Liu, Huang, Hou and Cottrell (2018), "Understanding Convolution for Semantic
Segmentation", https://arxiv.org/abs/1702.08502: hybrid dilated convolution, dense upsampling convolution.
"""  # noqa: D205

from itertools import cycle

import segmentation_models_pytorch as smp
from torch import Tensor, nn

from img2height.methods._pretrained import RESNETS, pretrain_encoder
from img2height.methods._two_heads import OUT_CHANNELS, TwoHeads, require_available

STRIDE = 8
DILATIONS = {"layer3": (1, 2, 5, 9), "layer4": (5, 9, 17)}  # over the blocks of a stage, repeated


class DUCHDC(nn.Module):
    """A ResNet without gridding artefacts, and a convolution that predicts the 8 x 8 pixels under each of its own.

    Args:
        in_channels: image bands.
        encoder: a ResNet.
        weights: of the encoder: `none`, or a file with torchvision's names.
    """

    def __init__(self, in_channels: int, *, encoder: str, weights: str = "none"):
        super().__init__()
        self.encoder = smp.encoders.get_encoder(encoder, in_channels, weights=None, output_stride=STRIDE)
        pretrain_encoder(self.encoder, encoder, weights)
        for stage, dilations in DILATIONS.items():
            for block, dilation in zip(getattr(self.encoder, stage), cycle(dilations), strict=False):
                _dilate(block, dilation)
        # No batch norm or ReLU follows: a ReLU before the sigmoid would keep heights above half the range.
        self.duc = nn.Conv2d(self.encoder.out_channels[-1], OUT_CHANNELS * STRIDE**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(STRIDE)

    def forward(self, x: Tensor) -> Tensor:
        """Return B x 3 x H x W for B x in_channels x H x W; H and W are multiples of 8."""
        x = self.duc(self.encoder(x)[-1])  # B x 3 * 64 x H/8 x W/8
        return self.shuffle(x)  # B x 3 x H x W


def _dilate(block: nn.Module, dilation: int) -> None:
    for module in block.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.dilation = module.padding = (dilation, dilation)


def build(
    bands: dict[str, int], *, encoder: str = "resnet101", weights: str = "none", gating: str = "none"
) -> nn.Module:
    """Return DUC-HDC with two heads; see `DUCHDC` and `TwoHeads` for the options.

    Raises:
        SettingsError: an option has an invalid value, or the weights cannot be loaded.
    """
    require_available("encoder", encoder, RESNETS)
    return TwoHeads(bands, DUCHDC(sum(bands.values()), encoder=encoder, weights=weights), gating)

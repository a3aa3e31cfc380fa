"""SegNet: Badrinarayanan, Kendall and Cipolla (2017), "SegNet: A Deep Convolutional Encoder-Decoder Architecture for
Image Segmentation", https://arxiv.org/abs/1511.00561.
"""  # noqa: D205

from itertools import pairwise

from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from img2height.methods._pretrained import pretrain
from img2height.methods._two_heads import OUT_CHANNELS, TwoHeads
from img2height.methods._weights import NONE

POOL = "M"
ENCODER = "vgg16_bn"  # torchvision's name
WIDTH = 64  # channels of its first convolution
VGG16: list[int | str] = cfgs["D"]  # 13 convolutions, five poolings


class SegNet(nn.Module):
    """The convolutions of VGG-16 with batch norm, and their mirror image, which unpools to each maximum.

    Args:
        in_channels: image bands.
        width: channels of the first convolution, 64 in VGG-16.
    """

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        plan = [item * width // WIDTH if isinstance(item, int) else item for item in VGG16]
        self.encoder = make_layers(plan, batch_norm=True)
        self.encoder[0] = nn.Conv2d(in_channels, width, 3, padding=1)
        self.decoder = nn.ModuleList(_mirrored(plan))
        self.head = nn.Conv2d(width, OUT_CHANNELS, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.MaxPool2d):
                module.return_indices = True
            elif isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return B x 3 x H x W for B x in_channels x H x W; H and W are multiples of 32."""
        indexes = []
        for layer in self.encoder:
            if isinstance(layer, nn.MaxPool2d):
                x, index = layer(x)  # B x 64,128,256,512,512 x H/2,H/4,H/8,H/16,H/32 x ...
                indexes.append(index)
            else:
                x = layer(x)
        for layer in self.decoder:
            # Unpooled to B x 512,512,256,128,64 x H/16,H/8,H/4,H/2,H x ...
            x = layer(x, indexes.pop()) if isinstance(layer, nn.MaxUnpool2d) else layer(x)
        return self.head(x)  # B x 3 x H x W


def _mirrored(plan: list[int | str]) -> list[nn.Module]:
    """Return the decoder for an encoder's plan, without the mirror of its first convolution, which is the head."""
    steps = list(pairwise(item for item in plan if isinstance(item, int)))
    layers: list[nn.Module] = []
    for item in reversed(plan):
        if item == POOL:
            layers.append(nn.MaxUnpool2d(2))
        elif steps:
            channels, in_channels = steps.pop()
            convolution = nn.Conv2d(in_channels, channels, 3, padding=1)
            layers += [convolution, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return layers


def build(bands: dict[str, int], *, weights: str = "none", width: int = 64, gating: str = "none") -> nn.Module:
    """Return SegNet with two heads.

    Args:
        bands: number of bands by layer.
        weights: of the encoder: `none`, or a file of VGG-16 with batch norm and torchvision's names.
        width: see `SegNet`.
        gating: see `TwoHeads`.

    Raises:
        SettingsError: there is no such gating, or the weights cannot be loaded.
    """
    trunk = SegNet(sum(bands.values()), width)
    if weights != NONE:
        encoder, rgb = (nn.ModuleDict({"features": made.encoder}) for made in (trunk, SegNet(3, width)))
        pretrain(encoder, rgb, ENCODER, weights)
    return TwoHeads(bands, trunk, gating)

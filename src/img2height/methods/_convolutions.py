"""Convolutions that train faster on a CPU: the same sums as torch's own, written as one matrix product.

Only while training on a CPU: prediction, export and GPUs use torch's operator, whose heights they must reproduce.
"""

from torch import Tensor, nn
from torch.nn import functional


class Upsampling(nn.ConvTranspose2d):
    """A transposed convolution of 2 x 2 pixels with stride 2: each pixel becomes four, which do not overlap.

    torch computes its gradient at a sixth of the speed of a matrix product.

    Args:
        in_channels: of the coarse image.
        out_channels: of the fine image.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__(in_channels, out_channels, kernel_size=2, stride=2)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return B x out_channels x 2H x 2W for B x in_channels x H x W."""
        if not _trains_on_cpu(self, x):
            return super().forward(x, output_size)
        batch, _, height, width = x.shape
        weight = self.weight.permute(2, 3, 1, 0).flatten(0, 2)  # row, column and output channel x input channel
        bias = None if self.bias is None else self.bias.repeat(4)
        products = functional.linear(x.permute(0, 2, 3, 1), weight, bias)  # B x H x W x 4 out_channels
        four = products.view(batch, height, width, 2, 2, -1).transpose(2, 3)  # B x H x 2 x W x 2 x out_channels
        return four.reshape(batch, 2 * height, 2 * width, -1).permute(0, 3, 1, 2)


class ToOneChannel(nn.Conv2d):
    """A convolution of 3 x 3 pixels to a single channel, with one pixel of padding.

    torch computes one channel in the time of sixteen. Here the nine products of each pixel are sums over its channels;
    they are then added to the pixel's neighbours.

    Args:
        in_channels: of the image.
        bias: whether a constant is added.
    """

    def __init__(self, in_channels: int, *, bias: bool = True):
        super().__init__(in_channels, 1, kernel_size=3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return B x 1 x H x W for B x in_channels x H x W; sums over neighbours are in float32."""
        if not _trains_on_cpu(self, x):
            return super().forward(x)
        weight = self.weight[0].flatten(1).flip(1).t()  # 9 x in_channels; a product moves against its offset
        products = functional.linear(x.permute(0, 2, 3, 1), weight).float()  # B x H x W x 9
        height = functional.fold(products.flatten(1, 2).transpose(1, 2), x.shape[-2:], 3, padding=1)
        return height if self.bias is None else height + self.bias


def _trains_on_cpu(module: nn.Module, x: Tensor) -> bool:
    return module.training and x.device.type == "cpu"

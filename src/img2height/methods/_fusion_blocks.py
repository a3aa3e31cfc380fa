"""Blocks of FusionHeightNet: residual encoder, attention, cross-fusion of two modalities, decoder with a head."""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from img2height.errors import SettingsError

MLP_RATIO = 4


def convolution(in_channels: int, channels: int, stride: int = 1, *, side: int = 3) -> nn.Sequential:
    """Return a convolution with batch normalisation."""
    padding = side // 2
    layer = nn.Conv2d(in_channels, channels, side, stride, padding, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(channels))


class Stage(nn.Module):
    """Residual stage of four convolutions that halves height and width."""

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        inner = (convolution(channels, channels), nn.ReLU(), convolution(channels, channels), nn.ReLU())
        self.convolutions = nn.Sequential(
            convolution(in_channels, channels, 2), nn.ReLU(), *inner, convolution(channels, channels)
        )
        self.shortcut = convolution(in_channels, channels, 2, side=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return B x channels x H/2 x W/2 for B x in_channels x H x W."""
        return functional.relu(self.convolutions(x) + self.shortcut(x))


class Encoder(nn.Module):
    """Feature extractor of one modality.

    Args:
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the size.
        widths: channels at a half, a quarter, an eighth and a sixteenth of the size.
    """

    def __init__(self, in_channels: int, widths: list[int]):
        super().__init__()
        self.stem = nn.Sequential(convolution(in_channels, widths[0]), nn.ReLU(), nn.MaxPool2d(2))
        self.stages = nn.ModuleList(Stage(i, o) for i, o in pairwise(widths))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of each level, largest first."""
        features = [self.stem(x)]  # B x w x H/2 x W/2
        for stage in self.stages:
            features.append(stage(features[-1]))  # B x 2w,4w,8w x H/4,H/8,H/16 x ...
        return features


class Attention(nn.Module):
    """Multi-head attention whose queries may come from another sequence than keys and values."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        if dim % heads:
            raise SettingsError(f"{heads} heads do not divide {dim} channels; change heads, width (x 8) or d_model")
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, query: Tensor, own: Tensor) -> Tensor:
        """Return B x N x dim for queries and a sequence of the same shape."""
        parts = (self.query(query), *self.key_value(own).chunk(2, dim=-1))  # 3 of B x N x dim
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)  # B x heads x N x d
        mixed = functional.scaled_dot_product_attention(q, k, v)  # B x heads x N x d
        return self.out(mixed.transpose(1, 2).flatten(2))


class AttentionBlock(nn.Module):
    """Pre-norm transformer block: attention and a perceptron, both added to the input sequence."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, MLP_RATIO * dim), nn.GELU(), nn.Linear(MLP_RATIO * dim, dim)
        )

    def forward(self, x: Tensor, query: Tensor | None = None) -> Tensor:
        """Return B x N x dim; `query` is another sequence, already normalised; by default it is x itself."""
        own = self.norm(x)
        x = x + self.attention(own if query is None else query, own)
        return x + self.mlp(x)


class CrossFusion(nn.Module):
    """Layer in which each of two modalities is rearranged by the queries of the other.

    Both use the input of the layer; neither uses the other's result.
    """

    def __init__(self, layers: list[str], dim: int, heads: int):
        super().__init__()
        self.blocks = nn.ModuleDict({layer: AttentionBlock(dim, heads) for layer in layers})

    def forward(self, tokens: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the tokens by modality, each B x N x dim."""
        blocks = {layer: cast(AttentionBlock, block) for layer, block in self.blocks.items()}
        first, second = tokens
        queries = {first: blocks[second].norm(tokens[second]), second: blocks[first].norm(tokens[first])}
        return {layer: blocks[layer](x, queries[layer]) for layer, x in tokens.items()}


class Transformer(nn.Module):
    """Embedding, learned positions and self-attention of one modality.

    Args:
        in_channels: channels of the features.
        dim: channels of a token.
        depth: number of blocks.
        heads: heads of the attention.
        positions: learned positions along a side; they are interpolated for other sizes.
    """

    def __init__(self, in_channels: int, dim: int, *, depth: int, heads: int, positions: int):
        super().__init__()
        self.embedding = nn.Linear(in_channels, dim)
        self.positions = nn.Parameter(torch.empty(1, dim, positions, positions))
        self.blocks = nn.Sequential(*(AttentionBlock(dim, heads) for _ in range(depth)))
        nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        """Return B x N x dim for B x N x in_channels tokens of a map of that height and width."""
        positions: Tensor = self.positions
        if positions.shape[-2:] != size:
            positions = functional.interpolate(positions, size, mode="bilinear")
        return self.blocks(self.embedding(tokens) + positions.flatten(2).mT)


class Decoder(nn.Module):
    """Decoder of one task up to its head.

    Args:
        in_channels: channels of the fused tokens.
        widths: channels of the skips of one modality, and of the blocks, deepest first.
        modalities: number of modalities that provide skips.
        out_channels: channels of the head.
        last_norm: the head ends with batch normalisation.
    """

    def __init__(self, in_channels: int, widths: list[int], *, modalities: int, out_channels: int, last_norm: bool):
        super().__init__()
        last = widths[-1]
        self.entry = nn.Sequential(nn.Conv2d(in_channels, widths[0], 3, padding=1), nn.ReLU())
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(below + modalities * skip, skip, 3, padding=1), nn.ReLU(),
                nn.Conv2d(skip, skip, 3, padding=1), nn.ReLU(),
            )
            for below, skip in pairwise(widths)
        )  # fmt: skip
        logits = convolution(last, out_channels, side=1) if last_norm else nn.Conv2d(last, out_channels, 1)
        self.head = nn.Sequential(convolution(last, last), logits)

    def forward(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        """Return B x out_channels x H x W.

        Args:
            x: fused tokens as a map, B x C x H/16 x W/16.
            skips: features of all modalities at 1/2, 1/4 and 1/8 of the size.
        """
        x = self.entry(x)  # B x 8w x H/16 x W/16
        for block, skip in zip(self.blocks, reversed(skips), strict=True):
            x = block(torch.cat([_doubled(x), skip], dim=1))  # B x 4w,2w,w x H/8,H/4,H/2 x ...
        return self.head(_doubled(x))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear")

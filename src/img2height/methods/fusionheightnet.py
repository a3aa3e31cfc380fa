"""FusionHeightNet: Ma et al. (2024), "FusionHeightNet: A Multi-Level Cross-Fusion Method from Multi-Source Remote
Sensing Images for Urban Building Height Estimation", https://doi.org/10.3390/rs16060958.

No code was published. Widths, depths and the number of tokens are our choice; docs/methods.md lists them with reasons.
"""  # noqa: D205

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from img2height.errors import SettingsError
from img2height.methods._fusion_blocks import CrossFusion, Decoder, Encoder, Transformer
from img2height.methods._gating import GATINGS, gate

TASKS = {"footprint": ("footprint",), "both": ("footprint", "height")}
FUSIONS = {1: ("none",), 2: ("concat", "cross")}  # by number of modalities
OUT_CHANNELS = {"footprint": 2, "height": 1}
SHARED = "shared"


class FusionHeightNet(nn.Module):
    """Predicts footprints, and heights inside them, from an image, a radar image, or both.

    Args:
        bands: number of bands by modality.
        tasks: `footprint` or `both`.
        fusion: how two modalities are fused: `cross` (cross-attention before and after the transformers, then
            concatenation) or `concat`; `none` with one modality.
        share_encoder: both modalities go through the same feature extractor and the same transformer.
        gating: gating of heights by footprints: `hard` (0 outside, without a gradient to the footprints), `soft`
            (multiplied by the building probability), `none`.
        head_last_bn: apply batch norm to the logits.
        width: channels of the first features; each of the three stages doubles them.
        d_model: channels of a token.
        layers: blocks of a transformer.
        heads: heads of each attention.
        fusion_layers: layers of each of the two cross-fusions.
        positions: learned positions along a side of the token map.
    """

    def __init__(
        self, bands: dict[str, int], *, tasks: str, fusion: str, share_encoder: bool, gating: str,
        head_last_bn: bool = True, width: int = 64, d_model: int = 512, layers: int = 4, heads: int = 8,
        fusion_layers: int = 2, positions: int = 32,
    ):  # fmt: skip
        super().__init__()
        widths = [width << level for level in range(4)]
        self.modalities = sorted(bands)
        self.gating = gating
        self.branches = {layer: SHARED if share_encoder else layer for layer in self.modalities}
        branches = {self.branches[layer]: bands[layer] for layer in self.modalities}
        depth = fusion_layers if fusion == "cross" else 0
        self.encoders = nn.ModuleDict({branch: Encoder(channels, widths) for branch, channels in branches.items()})
        self.feature_fusion = nn.Sequential(*(CrossFusion(self.modalities, widths[-1], heads) for _ in range(depth)))
        self.transformers = nn.ModuleDict(
            {
                branch: Transformer(widths[-1], d_model, depth=layers, heads=heads, positions=positions)
                for branch in branches
            }
        )
        self.token_fusion = nn.Sequential(*(CrossFusion(self.modalities, d_model, heads) for _ in range(depth)))
        decoder = partial(Decoder, modalities=len(bands), last_norm=head_last_bn)
        self.decoders = nn.ModuleDict(
            {
                task: decoder(len(bands) * d_model, widths[::-1], out_channels=OUT_CHANNELS[task])
                for task in TASKS[tasks]
            }
        )

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return footprint logits, and for both tasks also the normalised height.

        Args:
            inputs: `eo` and `sar`, as far as they are in use, B x C x H x W; H and W are multiples of 16.
        """
        features = self._features(inputs)
        size = features[self.modalities[0]][-1].shape[-2:]
        tokens = {layer: maps[-1].flatten(2).mT for layer, maps in features.items()}  # B x HW/256 x 8w
        tokens = self.feature_fusion(tokens)
        tokens = {layer: self.transformers[self.branches[layer]](x, size) for layer, x in tokens.items()}
        tokens = self.token_fusion(tokens)  # B x HW/256 x d
        fused = torch.cat(list(tokens.values()), dim=2).mT.unflatten(2, size)  # B x 2d x H/16 x W/16
        skips = [torch.cat(maps, dim=1) for maps in zip(*(maps[:-1] for maps in features.values()), strict=True)]
        outputs = {task: decoder(fused, skips) for task, decoder in self.decoders.items()}  # B x 2,1 x H x W
        if "height" in outputs:
            outputs["height"] = gate(torch.sigmoid(outputs["height"]), outputs["footprint"], self.gating)
        return outputs

    def _features(self, inputs: dict[str, Tensor]) -> dict[str, list[Tensor]]:
        """Return the features of each modality, largest first."""
        images = {layer: inputs[layer] for layer in self.modalities}
        if SHARED not in self.encoders:
            return {layer: self.encoders[layer](image) for layer, image in images.items()}
        # One batch of both, so that the running statistics of batch norm match those used in training.
        sizes = [image.shape[0] for image in images.values()]
        halves = [maps.split(sizes) for maps in self.encoders[SHARED](torch.cat(list(images.values())))]
        return {layer: [maps[i] for maps in halves] for i, layer in enumerate(images)}


def build(
    bands: dict[str, int], *, tasks: str = "both", fusion: str = "cross", share_encoder: bool = False,
    gating: str = "hard", **options: Any,
) -> nn.Module:  # fmt: skip
    """Return FusionHeightNet or one of its ablations; see `FusionHeightNet` for all options.

    Args:
        bands: number of bands of `eo`, `sar`, or both.
        tasks: `footprint` or `both`.
        fusion: `cross` or `concat` with both modalities, `none` with one.
        share_encoder: only if both modalities have the same number of bands.
        gating: `hard`, `soft` or `none`.
        options: sizes of the network.

    Raises:
        SettingsError: an option has an invalid value, or does not fit the modalities.
    """
    if not bands or set(bands) - {"eo", "sar"}:
        raise SettingsError(f"fusionheightnet uses eo and sar, found {', '.join(bands)}; change the inputs")
    choices = {"tasks": (tasks, tuple(TASKS)), "fusion": (fusion, FUSIONS[len(bands)]), "gating": (gating, GATINGS)}
    for name, (found, allowed) in choices.items():
        if found not in allowed:
            inputs = " and ".join(bands)
            raise SettingsError(f"fusionheightnet: {name} is {found!r}; with {inputs} set it to {' or '.join(allowed)}")
    if share_encoder and (len(bands) < 2 or len(set(bands.values())) > 1):
        found = ", ".join(f"{layer} with {number} bands" for layer, number in bands.items())
        raise SettingsError(f"fusionheightnet: share_encoder needs eo and sar with equal band counts, found {found}")
    return FusionHeightNet(bands, tasks=tasks, fusion=fusion, share_encoder=share_encoder, gating=gating, **options)

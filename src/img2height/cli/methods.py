"""The table of all methods: paper, inputs, target, sizes and cost."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from img2height.methods import build, names, recipes_folder
from img2height.settings.project import load_recipe

TILE_PX = 256  # the protocol's; the only side that all networks accept


def methods_table() -> list[dict]:
    """Return one row per method; see `describe_method`."""
    return [describe_method(name) for name in names()]


def describe_method(name: str, tile_px: int | None = None) -> dict:
    """Return name, paper, inputs, target, parameters, batch-norm buffers and cost of a method as plain values.

    The cost is that of one tile, in 10^9 multiply-accumulates of convolutions and matrix products.

    Args:
        name: a method.
        tile_px: side of the tile; by default the side that the network is built for, else 256.
    """
    recipe = load_recipe(recipes_folder(), name)
    side = tile_px or recipe.options.get("size_px", TILE_PX)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:  # only shapes: no weights, no computing
        network = build(name).eval()
        network({layer: torch.empty(1, len(bands), side, side) for layer, bands in recipe.inputs.items()})
    return {
        "name": name,
        "paper": recipe.paper.model_dump() if recipe.paper else None,
        "inputs": recipe.inputs,
        "target": recipe.target,
        "trainable_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "batchnorm_buffers": sum(b.numel() for n, b in network.named_buffers() if n.endswith(("_mean", "_var"))),
        "tile_px": side,
        "gmac": counter.get_total_flops() / 2e9,
    }

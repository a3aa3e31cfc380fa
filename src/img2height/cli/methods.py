"""The table of all methods: paper, inputs, target, sizes and cost."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from img2height.io.records import Record
from img2height.methods import batchnorm_buffers, build, names, recipes_folder, trainable_parameters
from img2height.settings.project import load_recipe
from img2height.settings.recipe import Paper

TILE_PX = 256  # the protocol's; the only side that all networks accept


class Method(Record):
    """What a method is and what one tile of it costs.

    Attributes:
        name: its name.
        paper: where it was published; None for a baseline.
        inputs: bands by input layer.
        optional: those that it can do without, as long as it has one input.
        target: the quantity that it learns.
        trainable_parameters: their number.
        batchnorm_buffers: number of running statistics.
        tile_px: side of the tile.
        gmac: 10^9 multiply-accumulates of convolutions and matrix products.
    """

    name: str
    paper: Paper | None
    inputs: dict[str, list[str]]
    optional: list[str]
    target: str
    trainable_parameters: int
    batchnorm_buffers: int
    tile_px: int
    gmac: float


def methods_table() -> list[Method]:
    """Return all methods; see `describe_method`."""
    return [describe_method(name) for name in names()]


def describe_method(name: str, tile_px: int | None = None) -> Method:
    """Return a method, with the cost of one tile.

    Args:
        name: a method.
        tile_px: side of the tile; by default the side that the network is built for, else 256.
    """
    recipe = load_recipe(recipes_folder(), name)
    side = tile_px or int(recipe.options.get("size_px") or TILE_PX)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:  # only shapes: no weights, no computing
        network = build(name).eval()
        network({layer: torch.empty(1, len(bands), side, side) for layer, bands in recipe.inputs.items()})
    return Method(
        name=name,
        paper=recipe.paper,
        inputs=recipe.inputs,
        optional=recipe.optional,
        target=recipe.target,
        trainable_parameters=trainable_parameters(network),
        batchnorm_buffers=batchnorm_buffers(network),
        tile_px=side,
        gmac=counter.get_total_flops() / 2e9,
    )

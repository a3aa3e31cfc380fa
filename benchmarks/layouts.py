"""Print how long each network takes for a window on one CPU thread, by memory layout and batch.

python benchmarks/layouts.py [--networks unet resdepth] [--rounds 5]

Times are CPU times, the minimum of the rounds: other programs on the machine disturb them little. If a layout is faster
by more than `--gain`, the module of the network should declare it as `LAYOUT`; without a declaration the layout of
`img2height.methods.DEFAULT` is used.
"""

import argparse
import itertools
import time

import torch
from torch import Tensor, nn

from img2height.cpu import set_up_cpu
from img2height.methods import Layout, build, layout_of, names, networks, recipes_folder
from img2height.settings.project import load_recipe
from img2height.settings.recipe import Recipe

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--networks", nargs="+", default=networks())
flags.add_argument("--rounds", type=int, default=3)
flags.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8])
flags.add_argument("--window-px", type=int, default=256)
flags.add_argument("--gain", type=float, default=0.1, help="share of the time that another layout has to save")


def inputs_of(recipe: Recipe, layout: Layout, side_px: int) -> dict[str, Tensor]:
    """Return random inputs, by layer."""
    order = torch.channels_last if layout.channels_last else torch.contiguous_format
    return {
        layer: torch.randn(layout.batch, len(bands), side_px, side_px).contiguous(memory_format=order)
        for layer, bands in recipe.inputs.items()
    }


def window_ms(network: nn.Module, inputs: dict[str, Tensor], layout: Layout) -> float:
    """Return the CPU time of one window in milliseconds."""
    network.to(memory_format=torch.channels_last if layout.channels_last else torch.contiguous_format)
    began = time.process_time()
    with torch.inference_mode():
        network(inputs)
    return 1e3 * (time.process_time() - began) / layout.batch


def main(args: argparse.Namespace) -> None:
    set_up_cpu(1)
    layouts = [Layout(last, batch) for last, batch in itertools.product((False, True), args.batches)]
    heads = [f"{'channels_last' if layout.channels_last else 'contiguous'} {layout.batch}" for layout in layouts]
    print(f"| network | window px | {' | '.join(heads)} | fastest | declared |")
    print("|---" * (len(layouts) + 4) + "|")
    recipes = {recipe.network: (name, recipe) for name in reversed(names()) if (recipe := load(name))}
    for network in args.networks:
        name, recipe = recipes[network]
        side_px = recipe.options.get("size_px") or args.window_px
        model = build(name, **({"weights": "none"} if "weights" in recipe.options else {})).eval()
        found = dict.fromkeys(layouts, float("inf"))
        for _ in range(args.rounds + 1):  # the first one warms up and is never the minimum
            for layout in layouts:
                found[layout] = min(found[layout], window_ms(model, inputs_of(recipe, layout, side_px), layout))
        declared, best = layout_of(network), min(found, key=found.__getitem__)
        if declared in found and found[declared] < found[best] / (1 - args.gain):
            best = declared
        times = " | ".join(f"{found[layout]:.0f}" for layout in layouts)
        print(f"| {network} | {side_px} | {times} | {text(best)} | {text(declared)} |", flush=True)


def load(name: str) -> Recipe:
    return load_recipe(recipes_folder(), name)


def text(layout: Layout) -> str:
    return f"{'channels_last' if layout.channels_last else 'contiguous'} {layout.batch}"


if __name__ == "__main__":
    main(flags.parse_args())

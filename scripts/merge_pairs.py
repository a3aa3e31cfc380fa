"""Merge the heights that a method saw in several pairs of views: the median of each pixel."""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--pairs", type=Path, nargs="+", required=True, help="heights of each pair, on the same ground")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--out", type=Path, required=True, help="height.tif")


def main(args: Namespace) -> None:
    """Write the median."""
    from img2height.files import atomic_path
    from img2height.inference.stitch import merge_pairs
    from img2height.scenes.scene import Scene

    with atomic_path(args.out) as out:
        merge_pairs(args.pairs, Scene.load(args.scene).grid, out)


if __name__ == "__main__":
    run(main, flags)

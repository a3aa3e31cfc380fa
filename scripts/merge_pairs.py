"""Merge the heights predicted from several pairs of views: the median at each pixel, per fold and over all folds."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument(
    "--fold", type=Path, nargs="+", metavar=("HEIGHT", "PAIR"), action="append", required=True,
    help="height.tif of a fold to write, missing elsewhere, and the heights of each pair; once for each fold",
)  # fmt: skip
flags.add_argument("--mosaic", type=Path, required=True, help="height.tif of all folds together")


def main(args: Namespace) -> None:
    """Write the median in each fold and their mosaic."""
    from img2height.inference.stitch import merge_pairs, mosaic_folds
    from img2height.io.atomic import atomic_paths
    from img2height.scenes.scene import Scene

    grid = Scene.load(args.scene).grid
    with atomic_paths(*(height for height, *_ in args.fold), args.mosaic) as (*heights, mosaic):
        for (_, *pairs), height in zip(args.fold, heights, strict=True):
            merge_pairs(pairs, grid, height)
        mosaic_folds(heights, grid, mosaic)


if __name__ == "__main__":
    run(main, flags)

"""Merge the heights predicted from several pairs of views: the median at each pixel, per fold and over all folds."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--pairs", type=Path, nargs="+", required=True, help="heights of each pair, fold after fold")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--heights", type=Path, nargs="+", required=True, help="height.tif of each fold, missing elsewhere")
flags.add_argument("--mosaic", type=Path, required=True, help="height.tif of all folds together")


def main(args: Namespace) -> None:
    """Write the median in each fold and their mosaic."""
    from img2height.errors import DataError
    from img2height.inference.stitch import merge_pairs, mosaic_folds
    from img2height.io.atomic import atomic_paths
    from img2height.scenes.scene import Scene

    count, rest = divmod(len(args.pairs), len(args.heights))
    if rest or not count:
        raise DataError(f"{len(args.pairs)} --pairs for {len(args.heights)} --heights; give each fold the same pairs")
    grid = Scene.load(args.scene).grid
    with atomic_paths(*args.heights, args.mosaic) as (*heights, mosaic):
        for fold, height in enumerate(heights):
            merge_pairs(args.pairs[fold * count : (fold + 1) * count], grid, height)
        mosaic_folds(heights, grid, mosaic)


if __name__ == "__main__":
    run(main, flags)

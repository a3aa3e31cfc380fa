"""Join the test areas of all folds of a scene: heights out of fold, no pixel of which was ever trained on."""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--heights", type=Path, nargs="+", required=True, help="height.tif of each fold")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--out", type=Path, required=True, help="the mosaic, COG in metres")


def main(args: Namespace) -> None:
    """Write the mosaic."""
    from img2height.inference.stitch import mosaic_folds
    from img2height.scenes.scene import Scene

    mosaic_folds(args.heights, Scene.load(args.scene).grid, args.out)


if __name__ == "__main__":
    run(main, flags)

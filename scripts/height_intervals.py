"""Write the 90 % intervals of a scene's predicted heights: a COG with the bands `height_low` and `height_high`.

Both are missing where nothing is recorded about the errors of such heights.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--height", type=Path, required=True, help="predicted heights of all folds")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument(
    "--fold", nargs=2, metavar=("NUMBER", "CALIBRATION"), action="append", required=True,
    help="number of a fold and calibration.json of its model; once for each fold",
)  # fmt: skip
flags.add_argument("--out", type=Path, required=True, help="interval.tif to write")


def main(args: Namespace) -> None:
    """Write the intervals."""
    from img2height.conformal.raster import calibrated_folds, write_intervals
    from img2height.io.tables import read_geotable
    from img2height.scenes.scene import Scene

    scene = Scene.load(args.scene)
    folds = calibrated_folds(read_geotable(args.areas), scene, args.fold)
    terrain = scene.path("dtm") if "dtm" in scene.layers else None
    write_intervals(args.height, terrain, folds, args.out)


if __name__ == "__main__":
    run(main, flags)

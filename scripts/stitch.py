"""Cut the predicted rasters of a scene to the test pixels of their folds and join them: COGs of heights in metres.

The mosaic holds the heights out of fold: no pixel of it was ever trained on.
"""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--windows", type=Path, nargs="+", required=True, help="what predict wrote for each fold")
flags.add_argument("--folds", type=int, nargs="+", required=True, help="their numbers")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--band", type=int, default=1, help="1 heights, 2 probability of a building")
flags.add_argument("--heights", type=Path, nargs="+", required=True, help="height.tif of each fold, unknown elsewhere")
flags.add_argument("--mosaic", type=Path, required=True, help="height.tif of all folds together")


def main(args: Namespace) -> None:
    """Write the heights of each fold and their mosaic."""
    from img2height.files import atomic_paths
    from img2height.inference.stitch import mosaic_folds, stitch_area
    from img2height.scenes.scene import Scene
    from img2height.tables import read_geotable
    from img2height.tiles.areas import area_of

    scene, areas = Scene.load(args.scene), read_geotable(args.areas)
    with atomic_paths(*args.heights, args.mosaic) as (*heights, mosaic):
        for windows, fold, height in zip(args.windows, args.folds, heights, strict=True):
            stitch_area(windows, area_of(areas, "test", scene.dataset, scene.name, fold), scene.grid, height, args.band)
        mosaic_folds(heights, scene.grid, mosaic)


if __name__ == "__main__":
    run(main, flags)

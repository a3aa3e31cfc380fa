"""Cut a predicted raster to the test pixels of one fold: a COG of heights in metres, unknown elsewhere."""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--windows", type=Path, required=True, help="what predict wrote")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--fold", type=int, required=True)
flags.add_argument("--height", type=Path, required=True, help="height.tif, COG in metres")


def main(args: Namespace) -> None:
    """Write the heights of the test area."""
    from img2height.inference.stitch import stitch_area
    from img2height.scenes.scene import Scene
    from img2height.tables import read_geotable
    from img2height.tiles.areas import area_of

    scene = Scene.load(args.scene)
    area = area_of(read_geotable(args.areas), "test", scene.dataset, scene.name, args.fold)
    stitch_area(args.windows, area, scene.grid, args.height)


if __name__ == "__main__":
    run(main, flags)

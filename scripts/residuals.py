"""Map the errors before and after the refinement of a surface model over the test area: a two-band COG in metres."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--height", type=Path, required=True, help="refined surface heights")
flags.add_argument("--scene", type=Path, required=True, help="scene.json; its dsm_initial is the unrefined surface")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet; pixels outside test areas are missing")
flags.add_argument("--out", type=Path, required=True, help="residuals.tif")


def main(args: Namespace) -> None:
    """Write the residuals."""
    from img2height.io.tables import read_geotable
    from img2height.scenes.scene import Scene
    from img2height.scoring.residuals import write_residuals
    from img2height.tiles.areas import area_of

    scene = Scene.load(args.scene)
    area = area_of(read_geotable(args.areas), "test", scene.dataset, scene.name)
    write_residuals(scene.path("dsm_initial"), args.height, scene, area, args.out)


if __name__ == "__main__":
    run(main, flags)

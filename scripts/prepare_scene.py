"""Prepare a scene: delivered layers on one grid, as COGs and a manifest.

Writes scene.json (the manifest: grid, layers, digests) and, next to it, one COG per raster layer (heights in metres,
nodata -9999; masks 0, 1, 255 = missing; the image with an internal mask) and buildings.parquet. The folder appears as
a whole or not at all.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--dataset", required=True, help="name of the dataset")
flags.add_argument("--scene", required=True, help="name of the scene")
flags.add_argument("--scene-file", type=Path, required=True, help="the scene of the dataset file, YAML")
flags.add_argument("--grid", type=Path, required=True, help="target grid of the dataset file, YAML; {}: as the image")
flags.add_argument("--raw", type=Path, required=True, help="folder of the delivered files")
flags.add_argument("--out", type=Path, required=True, help="scene.json; its folder is replaced as a whole")


def main(args: Namespace) -> None:
    """Prepare one scene."""
    from img2height.scenes.prepare import prepare_scene
    from img2height.settings.dataset import SceneFile, TargetGrid
    from img2height.settings.parsing import parse_file

    prepare_scene(
        parse_file(SceneFile, args.scene_file),
        dataset=args.dataset,
        name=args.scene,
        raw=args.raw,
        grid=parse_file(TargetGrid, args.grid),
        folder=args.out.parent,
    )


if __name__ == "__main__":
    run(main, flags)

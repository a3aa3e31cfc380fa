"""Index the tiles of a scene: one row per tile with its window, outline and statistics.

Writes a GeoParquet in the scene's CRS: tile_id, dataset, scene, col_off, row_off, size_px (pixels), valid_share,
building_share (0 to 1), height_p50_m, height_p90_m, height_p99_m (metres), geometry.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--scene", type=Path, required=True, help="scene.json of a prepared scene")
flags.add_argument("--settings", type=Path, required=True, help="section `tiling` of the protocol, YAML")
flags.add_argument("--out", type=Path, required=True, help="tiles.parquet")


def main(args: Namespace) -> None:
    """Index one scene."""
    from img2height.io.tables import write_table
    from img2height.scenes.scene import Scene
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Tiling
    from img2height.tiles.index import index_tiles

    write_table(index_tiles(Scene.load(args.scene), parse_file(Tiling, args.settings)), args.out)


if __name__ == "__main__":
    run(main, flags)

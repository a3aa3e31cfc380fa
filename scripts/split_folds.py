"""Split the scenes of an experiment into folds: the areas and tiles for training, validation and test.

Writes folds.parquet (fold, part, tile_id, dataset, scene, col_off, row_off, size_px in pixels; outlines in EPSG:4326)
and areas.parquet (fold, part, dataset, scene; areas in pixel coordinates of the scene, x = column, y = row), and both
as layers of a GeoPackage in map coordinates, for a GIS.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--tiles", type=Path, required=True, help="folder of the tile indexes, <dataset>/<scene>.parquet")
flags.add_argument("--settings", type=Path, required=True, help="section `split` of the protocol, YAML")
flags.add_argument("--tile-px", type=int, required=True, help="side of the tiles in pixels")
flags.add_argument("--folds", type=int, nargs="+", required=True, help="numbers of the folds to make, from 0")
flags.add_argument("--folds-out", type=Path, required=True, help="folds.parquet")
flags.add_argument("--areas-out", type=Path, required=True, help="areas.parquet")
flags.add_argument("--map-out", type=Path, required=True, help="folds.gpkg")


def main(args: Namespace) -> None:
    """Split the scenes."""
    from img2height.io.atomic import atomic_paths
    from img2height.io.tables import read_geotable, write_layers, write_table
    from img2height.scenes.listing import read_listing
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Split
    from img2height.tiles.folds import IndexedScene, fold_layers, split_folds

    scenes = [
        IndexedScene(scene, role, read_geotable(args.tiles / scene.dataset / f"{scene.name}.parquet"))
        for scene, role in read_listing(args.scenes)
    ]
    split = parse_file(Split, args.settings)
    folds = split_folds(scenes, split, tile_px=args.tile_px, folds=args.folds)
    with atomic_paths(args.folds_out, args.areas_out, args.map_out) as (tiles_file, areas_file, map_file):
        write_table(folds.tiles, tiles_file)
        write_table(folds.areas, areas_file)
        write_layers(fold_layers([indexed.scene for indexed in scenes], folds), map_file)


if __name__ == "__main__":
    run(main, flags)

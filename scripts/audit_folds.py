"""Audit the folds of an experiment and fail on any leak between training, validation and test.

Writes audit.json (tiles, areas, shared pixels, distances in metres, overlaps, copies) and a map of the folds. If there
is a leak, the map is still drawn, audit.json is not written and the exit status is not 0.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--folds", type=Path, required=True, help="folds.parquet")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--settings", type=Path, required=True, help="section `split` of the protocol, YAML")
flags.add_argument("--tile-px", type=int, required=True, help="side of the tiles in pixels")
flags.add_argument("--out", type=Path, required=True, help="audit.json")
flags.add_argument("--figure", type=Path, required=True, help="folds.png")


def main(args: Namespace) -> None:
    """Audit the folds."""
    import matplotlib

    matplotlib.use("Agg")
    from img2height.io.tables import read_geotable
    from img2height.scenes.listing import all_scenes
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Split
    from img2height.tiles.audit import audit_folds
    from img2height.tiles.buffers import buffer_of
    from img2height.tiles.fold_map import draw_folds
    from img2height.tiles.record import refuse_leaks, write_audit

    scenes = all_scenes(args.scenes)
    tiles, areas = read_geotable(args.folds), read_geotable(args.areas)
    buffer_m = buffer_of(parse_file(Split, args.settings), scenes, args.tile_px)
    draw_folds(scenes, tiles, areas, buffer_m, args.figure)
    audit = audit_folds(scenes, tiles, areas, buffer_m)
    refuse_leaks(audit)
    write_audit(audit, args.out)


if __name__ == "__main__":
    run(main, flags)

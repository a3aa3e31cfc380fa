"""Find what a model has seen: the look of the tiles that it was trained on, and how far from it is still normal.

Writes familiarity.json, from images alone: neither the network nor a reference is used.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--card", type=Path, required=True, help="card.json of the model")
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--fold", type=int, required=True, help="number of the fold of the model")
flags.add_argument("--window-px", type=int, required=True, help="side of the tiles of a model that does not record it")
flags.add_argument("--out", type=Path, required=True, help="familiarity.json to write")


def main(args: Namespace) -> None:
    """Describe the tiles and write the file."""
    from img2height.familiarity.familiarity import write_familiarity
    from img2height.inference.familiar import find_familiarity
    from img2height.io.tables import read_geotable
    from img2height.models.folder import without_network
    from img2height.scenes.listing import all_scenes

    model, scenes, areas = without_network(args.card), all_scenes(args.scenes), read_geotable(args.areas)
    write_familiarity(find_familiarity(model, scenes, areas, args.fold, args.window_px), args.out)


if __name__ == "__main__":
    run(main, flags)

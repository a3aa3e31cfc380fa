"""Write the map of an experiment, a folder that opens in a browser without a network: heights, errors and buildings."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--title", required=True, help="of the page")
flags.add_argument("--heights", type=Path, nargs="+", required=True, help="<method>/oof/seed<seed>/<scene>/height.tif")
flags.add_argument("--scenes", type=Path, nargs="+", required=True, help="<scene>/scene.json of each scene")
flags.add_argument("--out", type=Path, required=True, help="folder to write")


def main(args: Namespace) -> None:
    """Write the folder."""
    from img2height.view.results import scenes_of
    from img2height.view.write import write_view

    write_view(scenes_of(args.heights, args.scenes), args.title, args.out)


if __name__ == "__main__":
    run(main, flags)

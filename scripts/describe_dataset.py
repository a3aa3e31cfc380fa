"""Write the origin of a dataset for what is stated about its results: about.json, next to its scenes."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--about", type=Path, required=True, help="title, source, licence, vertical_reference, YAML")
flags.add_argument("--out", type=Path, required=True, help="about.json")


def main(args: Namespace) -> None:
    """Write the file."""
    from img2height.scenes.about import write_about
    from img2height.settings.dataset import About
    from img2height.settings.parsing import parse_file

    write_about(parse_file(About, args.about), args.out)


if __name__ == "__main__":
    run(main, flags)

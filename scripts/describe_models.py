"""State from which data each model of an experiment was made, under which licences: sources.json."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument(
    "--model", type=Path, nargs=2, metavar=("CARD", "OUT"), action="append", required=True,
    help="card.json of a model, and its sources.json to write; once for each",
)  # fmt: skip
flags.add_argument("--about", type=Path, nargs="+", required=True, help="<dataset>/about.json of each dataset")


def main(args: Namespace) -> None:
    """Write the files."""
    from img2height.models.sources import write_sources
    from img2height.scenes.about import read_abouts

    write_sources(dict(args.model), read_abouts(args.about))


if __name__ == "__main__":
    run(main, flags)

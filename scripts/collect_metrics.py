"""Collect the scores of all methods and seeds of an experiment in one metrics file."""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--scores", type=Path, nargs="+", required=True, help="scores.json of each method and seed")
flags.add_argument("--out", type=Path, required=True, help="metrics.json")


def main(args: Namespace) -> None:
    """Collect and write."""
    from img2height.report.scores import collect
    from img2height.tables import read_json, write_json

    write_json(collect([read_json(path) for path in args.scores]), args.out)


if __name__ == "__main__":
    run(main, flags)

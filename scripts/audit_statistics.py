"""Refuse models whose normalisation was fitted on anything but the training tiles of their fold.

Writes statistics_audit.json: `fitted`, the models whose cards agree with the folds, and `brought`, those that took
their statistics from another model.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--cards", type=Path, nargs="+", required=True, help="card.json of each model")
flags.add_argument("--folds", type=Path, required=True, help="folds.parquet")
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--out", type=Path, required=True, help="statistics_audit.json")


def main(args: Namespace) -> None:
    """Audit the statistics."""
    from img2height.io.tables import read_sealed, read_table, write_json
    from img2height.samples.fitted import audit_statistics
    from img2height.scenes.listing import all_scenes

    cards = [read_sealed(path) for path in args.cards]
    write_json(audit_statistics(cards, read_table(args.folds), all_scenes(args.scenes)), args.out)


if __name__ == "__main__":
    run(main, flags)

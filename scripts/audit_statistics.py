"""Refuse models that were normalised with other than the training tiles of their fold, or were trained on test areas.

Writes statistics_audit.json: `fitted`, the models whose cards agree with the folds; `brought`, those that took their
statistics from another model; `unrecorded`, by method the initial weights whose training areas were not recorded;
`validated_again_m2`, validation areas on which the starting model of a training was trained.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--cards", type=Path, nargs="+", required=True, help="card.json of each model")
flags.add_argument("--folds", type=Path, required=True, help="folds.parquet")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--out", type=Path, required=True, help="statistics_audit.json")


def main(args: Namespace) -> None:
    """Audit the statistics and the areas."""
    from img2height.io.tables import read_geotable, read_sealed, read_table, write_json
    from img2height.samples.fitted import audit_statistics
    from img2height.samples.trained import audit_trained
    from img2height.scenes.listing import all_scenes

    cards = [read_sealed(path) for path in args.cards]
    scenes = all_scenes(args.scenes)
    statistics = audit_statistics(cards, read_table(args.folds), scenes)
    write_json(statistics | audit_trained(cards, scenes, read_geotable(args.areas)), args.out)


if __name__ == "__main__":
    run(main, flags)

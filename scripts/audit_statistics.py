"""Refuse models that were normalised with other than the training tiles of their fold, or were trained on test areas.

Writes statistics_audit.json, see `ModelAudit`.
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
    from img2height.io.tables import read_geotable, read_table, write_json
    from img2height.models.audit import audit_models
    from img2height.models.card import read_card
    from img2height.scenes.listing import all_scenes

    cards, scenes = [read_card(path) for path in args.cards], all_scenes(args.scenes)
    found = audit_models(cards, read_table(args.folds), scenes, read_geotable(args.areas))
    write_json(found.model_dump(mode="json"), args.out)


if __name__ == "__main__":
    run(main, flags)

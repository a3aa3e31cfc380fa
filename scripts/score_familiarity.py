"""Score the tiles of a scene by how far they are from those that the models were trained on: a COG.

Tiles that score above 2 are unlike what a model has seen; each is scored with the model of the fold that tests it.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument(
    "--fold", nargs=3, metavar=("NUMBER", "CARD", "FAMILIARITY"), action="append", required=True,
    help="number of a fold, card.json and familiarity.json of its model; once for each fold",
)  # fmt: skip
flags.add_argument("--out", type=Path, required=True, help="unfamiliar.tif to write")


def main(args: Namespace) -> None:
    """Score the test area of each fold and write the scores."""
    from img2height.familiarity.familiarity import read_familiarity
    from img2height.inference.unfamiliar import find_unfamiliar_folds
    from img2height.io.tables import read_geotable
    from img2height.models.folder import without_network
    from img2height.scenes.scene import Scene

    loaded = [(int(number), without_network(Path(card)), Path(path)) for number, card, path in args.fold]
    folds = [(number, model, read_familiarity(path, model.card.weights_sha256)) for number, model, path in loaded]
    found = find_unfamiliar_folds(scene := Scene.load(args.scene), folds, read_geotable(args.areas))
    found.warn(scene.name)
    found.write(args.out)


if __name__ == "__main__":
    run(main, flags)

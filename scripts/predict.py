"""Predict one scene: the test area of each fold with the model of that fold, and their mosaic, as COGs.

The mosaic is predicted out of fold: no pixel of it was used for training.
"""

from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument(
    "--fold", nargs="+", metavar=("NUMBER", "FILE"), action="append", required=True,
    help="number of a fold, card.json of its model, TIFFs to write: heights, probabilities; once for each fold",
)  # fmt: skip
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--views", type=int, nargs="*", default=[], help="numbers of the views that the method uses")
flags.add_argument("--settings", type=Path, required=True, help="section `inference` of the protocol, YAML")
flags.add_argument("--strips", type=Path, required=True, help="folder in which each fold keeps finished strips")
flags.add_argument("--mosaics", type=Path, nargs="+", required=True, help="TIFFs of all folds: heights, probabilities")


class Fold(NamedTuple):
    """A fold to predict.

    Attributes:
        number: of the fold.
        card: card.json of its model.
        tiffs: files to write: heights, and the probabilities of all classes of pixels, if the method predicts them.
    """

    number: int
    card: Path
    tiffs: list[Path]


def main(args: Namespace) -> None:
    """Predict the test areas and stitch them."""
    from img2height.errors import DataError
    from img2height.inference.origin import origin_of
    from img2height.inference.plan import Task
    from img2height.inference.predict import predict_strips
    from img2height.inference.stitch import mosaic_folds
    from img2height.io.atomic import atomic_paths
    from img2height.io.locks import alone
    from img2height.io.tables import read_geotable
    from img2height.models.folder import load_model
    from img2height.scenes.scene import Scene
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Inference
    from img2height.tiles.areas import area_of

    scene, areas = Scene.load(args.scene), read_geotable(args.areas)
    settings = parse_file(Inference, args.settings)
    folds = [Fold(int(number), Path(card), list(map(Path, tiffs))) for number, card, *tiffs in args.fold]
    files = len(args.mosaics)
    if wrong := [fold for fold in folds if len(fold.tiffs) != files]:
        raise DataError(f"--fold {wrong[0].number}: has {len(wrong[0].tiffs)} TIFFs, --mosaics {files}; give as many")
    with alone(args.strips):  # if only Snakemake was killed, its job still uses them
        predicted = []
        for fold in folds:
            model = load_model(fold.card.parent)
            area = area_of(areas, "test", scene.dataset, scene.name, fold.number)
            folder = args.strips / f"fold{fold.number}"
            task = Task(model, scene, args.views, settings, folder, area).with_engine(["auto"])
            threads = model.card.training.threads  # other counts change the last digits
            predicted.append((predict_strips(task, threads=threads), origin_of(task)))
        with atomic_paths(*args.mosaics, *(tiff for fold in folds for tiff in fold.tiffs)) as paths:
            mosaics, parts = paths[:files], paths[files:]  # parts by fold, then by file
            for number, (mosaic, bands) in enumerate(zip(mosaics, (slice(1), slice(1, None)), strict=False)):
                for (strips, origin), part in zip(predicted, parts[number::files], strict=True):
                    strips.write_bands(bands, part, origin)
                mosaic_folds(parts[number::files], scene.grid, mosaic)
        for strips, _ in predicted:  # until here, a killed job can resume with the strips of all folds
            strips.remove()


if __name__ == "__main__":
    run(main, flags)

"""Predict one scene: the test area of each fold with the model of that fold, and their mosaic, as COGs.

The mosaic is predicted out of fold: no pixel of it was used for training.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--models", type=Path, nargs="+", required=True, help="card.json of each fold's model")
flags.add_argument("--folds", type=int, nargs="+", required=True, help="their numbers")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--views", type=int, nargs="*", default=[], help="numbers of the views that the method uses")
flags.add_argument("--settings", type=Path, required=True, help="section `inference` of the protocol, YAML")
flags.add_argument("--strips", type=Path, required=True, help="folder in which each fold keeps finished strips")
flags.add_argument("--parts", type=Path, nargs="+", required=True, help="TIFFs of each fold: heights, probabilities")
flags.add_argument("--mosaics", type=Path, nargs="+", required=True, help="TIFFs of all folds: heights, probabilities")


def main(args: Namespace) -> None:
    """Predict the test areas and stitch them."""
    from img2height.inference.plan import Task
    from img2height.inference.predict import predict_strips
    from img2height.inference.stitch import mosaic_folds
    from img2height.io.atomic import atomic_paths
    from img2height.io.tables import read_geotable
    from img2height.models.folder import load_model
    from img2height.scenes.scene import Scene
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Inference
    from img2height.tiles.areas import area_of

    scene, areas = Scene.load(args.scene), read_geotable(args.areas)
    settings = parse_file(Inference, args.settings)
    predicted = []
    for card, fold in zip(args.models, args.folds, strict=True):
        model = load_model(card.parent)
        area = area_of(areas, "test", scene.dataset, scene.name, fold)
        task = Task(model, scene, args.views, settings, args.strips / f"fold{fold}", area)
        threads = model.card["training"]["threads"]  # other counts change the last digits
        predicted.append(predict_strips(task, threads=threads))
    with atomic_paths(*args.parts, *args.mosaics) as paths:
        for band, mosaic in enumerate(paths[len(args.parts) :]):
            parts = paths[band * len(predicted) : (band + 1) * len(predicted)]
            for strips, part in zip(predicted, parts, strict=True):
                strips.write_band(band, part)
            mosaic_folds(parts, scene.grid, mosaic)
    for strips in predicted:  # until here, a killed job can resume with the strips of all folds
        strips.remove()


if __name__ == "__main__":
    run(main, flags)

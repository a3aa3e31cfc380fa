"""Predict one scene: the test area of each fold with the model of that fold, as scratch rasters in metres."""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--models", type=Path, nargs="+", required=True, help="model folder of each fold")
flags.add_argument("--folds", type=int, nargs="+", required=True, help="their numbers")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--views", type=int, nargs="*", default=[], help="numbers of the views that the method looks at")
flags.add_argument("--settings", required=True, help="the section inference of the params as JSON")
flags.add_argument("--out", type=Path, nargs="+", required=True, help="windows.tif of each fold, unknown elsewhere")


def main(args: Namespace) -> None:
    """Predict the test areas."""
    from img2height.files import atomic_paths
    from img2height.inference import load_model, predict_strips
    from img2height.inference.inputs import input_paths
    from img2height.parsing import parse
    from img2height.scenes.scene import Scene
    from img2height.settings import Inference
    from img2height.tables import read_geotable
    from img2height.tiles.areas import area_of

    scene, areas = Scene.load(args.scene), read_geotable(args.areas)
    settings = parse(Inference, args.settings, "--settings").model_dump()
    predicted = []
    for folder, fold, out in zip(args.models, args.folds, args.out, strict=True):
        model = load_model(folder)
        strips = predict_strips(
            model,
            input_paths(scene, model.recipe.inputs, args.views),
            out,
            area=area_of(areas, "test", scene.dataset, scene.name, fold),
            threads=model.card["training"]["threads"],  # other counts change the last digits
            **settings,
        )
        predicted.append(strips)
    with atomic_paths(*args.out) as windows:
        for strips, out in zip(predicted, windows, strict=True):
            strips.write(out)
    for strips in predicted:  # until here a killed job goes on with all that its folds had
        strips.remove()


if __name__ == "__main__":
    run(main, flags)

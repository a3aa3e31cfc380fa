"""Predict the test area of one scene in one fold: heights in metres in a scratch raster on the scene's grid."""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--model", type=Path, required=True, help="model folder")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--fold", type=int, required=True)
flags.add_argument("--settings", required=True, help="the section inference of the params as JSON")
flags.add_argument("--out", type=Path, required=True, help="windows.tif, unknown outside the test area")


def main(args: Namespace) -> None:
    """Predict the scene's test area of the fold."""
    from img2height.inference import load_model, predict_raster
    from img2height.project import parse
    from img2height.scenes.scene import Scene
    from img2height.settings import Inference
    from img2height.tables import read_geotable
    from img2height.tiles.areas import area_of

    model, scene = load_model(args.model), Scene.load(args.scene)
    predict_raster(
        model,
        {layer: scene.path(layer) for layer in model.recipe.inputs},
        args.out,
        area=area_of(read_geotable(args.areas), "test", scene.dataset, scene.name, args.fold),
        threads=model.card["training"]["threads"],  # other counts change the last digits
        **parse(Inference, args.settings, "--settings").model_dump(),
    )


if __name__ == "__main__":
    run(main, flags)

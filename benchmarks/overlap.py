"""Print the effect of window overlap and bfloat16 on the heights of the trained models of an experiment.

make demo
python benchmarks/overlap.py

The models are those of the first fold and seed, the area is that of a test scene; RMSE in metres against the reference.
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from shapely.geometry.base import BaseGeometry

from img2height.inference.plan import Task
from img2height.inference.predict import predict_strips
from img2height.io.rasters import open_raster, read_heights
from img2height.io.tables import read_geotable
from img2height.models.folder import LoadedModel, load_model
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Inference
from img2height.tiles.areas import area_of

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--experiment", default="demo")
flags.add_argument("--scene", type=Path, default=Path("data/scenes/demo/station/scene.json"))
flags.add_argument("--methods", nargs="+", default=["unet", "omniheight_eo", "resdepth_stereo"])
flags.add_argument("--views", type=int, nargs=2, default=[1, 2], help="pair for the methods that use one")
flags.add_argument("--overlaps", type=float, nargs="+", default=[0.5, 0.375, 0.25, 0.125])
flags.add_argument("--window-px", type=int, default=256)
flags.add_argument("--threads", type=int, default=2)


def main(args: argparse.Namespace) -> None:
    scene = Scene.load(args.scene)
    areas = read_geotable(Path(f"data/folds/{args.experiment}/areas.parquet"))
    area = area_of(areas, "test", scene.dataset, scene.name, 0)
    shares = " | ".join(map(str, args.overlaps))
    print(
        f"| method | {shares} | bfloat16 against float32, mean m |\n|---{'|---' * len(args.overlaps)}|---|", flush=True
    )
    for method in args.methods:
        model = load_model(Path(f"models/{args.experiment}/{method}/fold0/seed0"))
        heights = partial(predicted, model, scene, args, area)
        with open_raster(scene.path(model.recipe.target)) as raster:
            truth_m = read_heights(raster)
        maps = [heights(overlap=overlap) for overlap in args.overlaps]
        scores = [np.sqrt(np.nanmean(np.square(found_m - truth_m))) for found_m in maps]
        effect = rounding(heights, maps[0], args.overlaps[0])
        print(f"| {method} | {' | '.join(f'{score:.4f}' for score in scores)} | {effect} |", flush=True)


def predicted(
    model: LoadedModel, scene: Scene, args: argparse.Namespace, area: BaseGeometry, **settings: object
) -> np.ndarray:
    """Return the heights that a model predicts, H x W float32, NaN where missing."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "height.tif"
        windows = Inference(window_px=args.window_px, **settings)
        task = Task(model, scene, args.views, windows, Path(folder) / "strips", area)
        predict_strips(task, threads=args.threads).write(out)
        with open_raster(out) as raster:
            return read_heights(raster)


def rounding(heights: Callable[..., np.ndarray], exact_m: np.ndarray, overlap: float) -> str:
    """Return how far heights in bfloat16 are from those in float32 on average."""
    return f"{np.nanmean(np.abs(heights(overlap=overlap, engine='bfloat16') - exact_m)):.3f}"


if __name__ == "__main__":
    main(flags.parse_args())

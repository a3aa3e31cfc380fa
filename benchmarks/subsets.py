"""Print the error of a trained model with optional inputs for every subset of them, in the test area of a scene.

snakemake --cores 2 --resources gpu=1 --config experiment=omniheight -- models
python benchmarks/subsets.py

RMSE and MAE in metres above ground, RMSE also where the reference is at least 8 m high.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from img2height.heights import read_above_ground
from img2height.inference.defaults import inference_settings
from img2height.inference.plan import Task
from img2height.inference.predict import predict_strips
from img2height.io.areas import area_mask
from img2height.io.rasters import open_raster
from img2height.io.tables import read_geotable
from img2height.models.folder import LoadedModel, load_model
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_of
from img2height.vocabulary.layers import VIEWS, is_view

TALL_M = 8.0

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--experiment", default="omniheight")
flags.add_argument("--method", default="omniheight")
flags.add_argument("--dataset", default="demo")
flags.add_argument("--scene", default="station")
flags.add_argument("--views", type=int, nargs="+", default=[1, 2], help="the pair of views to use")


def main(args: argparse.Namespace) -> None:
    scene = Scene.load(f"data/scenes/{args.dataset}/{args.scene}/scene.json")
    areas = read_geotable(f"data/folds/{args.experiment}/areas.parquet")
    tested = area_mask(
        area_of(areas, "test", scene.dataset, scene.name, 0), Window(0, 0, scene.grid.width, scene.grid.height)
    )
    model = load_model(f"models/{args.experiment}/{args.method}/fold0/seed0")
    with open_raster(scene.path("ndsm")) as raster:
        truth_m = np.where(tested, read_above_ground(raster, None), np.nan)
    print("| inputs | RMSE | MAE | RMSE of tall |\n|---|---|---|---|", flush=True)
    for given in subsets(model, scene):
        error_m = predicted(model, scene, given, args.views) - truth_m
        rmse_m, tall_m = (np.sqrt(np.nanmean(np.square(e))) for e in (error_m, error_m[truth_m >= TALL_M]))
        print(f"| {', '.join(given)} | {rmse_m:.2f} | {np.nanmean(np.abs(error_m)):.2f} | {tall_m:.2f} |", flush=True)


def subsets(model: LoadedModel, scene: Scene) -> Iterator[tuple[str, ...]]:
    """Yield the subsets of the inputs that a model can predict a scene from, small ones first."""
    there = [layer for layer in model.inputs if (scene.views if layer == VIEWS else layer in scene.layers)]
    for count in range(1, len(there) + 1):
        yield from (given for given in combinations(there, count) if set(model.recipe.required) <= set(given))


def predicted(model: LoadedModel, scene: Scene, given: tuple[str, ...], views: list[int]) -> np.ndarray:
    """Return the heights above ground from some inputs of a scene, NaN where missing."""
    out = [layer for layer in model.inputs if layer not in given]
    kept = {name: layer for name, layer in scene.layers.items() if (VIEWS if is_view(name) else name) not in out}
    with tempfile.TemporaryDirectory() as folder:
        seen, used = replace(scene, layers=kept), views if VIEWS in given else []
        task = Task(model, seen, used, inference_settings(model), Path(folder) / "strips")
        predict_strips(task).write(raster_path := Path(folder) / "height.tif")
        with open_raster(raster_path) as heights, open_raster(scene.path("dtm")) as terrain:
            return read_above_ground(heights, terrain)


if __name__ == "__main__":
    main(flags.parse_args())

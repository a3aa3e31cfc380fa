"""Print the error of a trained model on images with other pixels than its own, as they are and resampled.

make demo
python benchmarks/gsd.py

The layers of a test scene are resampled to other pixel sizes; finer ones show no more than the scene itself. The
heights are brought back to the grid of the scene; RMSE in metres against the reference in the test area.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.enums import Resampling
from rasterio.windows import Window

from img2height.inference.defaults import inference_settings
from img2height.inference.plan import Task
from img2height.inference.predict import predict_strips
from img2height.inference.rescaled import bring_to_trained, trained_grid, with_pixels_of
from img2height.io.areas import area_mask
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster, read_heights
from img2height.io.tables import read_geotable
from img2height.io.warping import warped
from img2height.models.folder import LoadedModel, load_model
from img2height.samples.inputs import layers_read
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_of

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--experiment", default="demo")
flags.add_argument("--root", type=Path, default=Path(), help="folder of the project that was run")
flags.add_argument("--scene", default="station")
flags.add_argument("--methods", nargs="+", default=["unet", "omniheight_eo", "resdepth_stereo"])
flags.add_argument("--views", type=int, nargs=2, default=[1, 2], help="pair for the methods that use one")
flags.add_argument("--factors", type=float, nargs="+", default=[0.5, 0.67, 1, 1.5, 2], help="of the trained pixel size")


def main(args: argparse.Namespace) -> None:
    scene = Scene.load(args.root / f"data/scenes/{args.experiment}/{args.scene}/scene.json")
    areas = read_geotable(args.root / f"data/folds/{args.experiment}/areas.parquet")
    whole = Window(0, 0, scene.grid.width, scene.grid.height)
    tested = area_mask(area_of(areas, "test", scene.dataset, scene.name, 0), whole)
    heading = " | ".join(f"{factor:g}" for factor in args.factors)
    print(f"| pixels of the image / of the training | {heading} |\n|---{'|---' * len(args.factors)}|", flush=True)
    for method in args.methods:
        model = load_model(args.root / f"models/{args.experiment}/{method}/fold0/seed0")
        with open_raster(scene.path(model.recipe.target)) as raster:
            truth_m = np.where(tested, read_heights(raster), np.nan)
        errors = [errors_of(model, scene, args.views, factor, truth_m) for factor in args.factors]
        for name, found in zip(("as they are", "resampled"), zip(*errors, strict=True), strict=True):
            print(f"| {method}, {name} | {' | '.join(f'{error_m:.2f}' for error_m in found)} |", flush=True)


def errors_of(
    model: LoadedModel, scene: Scene, views: list[int], factor: float, truth_m: np.ndarray
) -> tuple[float, float]:
    """Return the RMSE on rasters with pixels of another size, as they are and resampled to those of the training."""
    used = [name for parts in layers_read(model.recipe.inputs, scene, views).values() for name, _ in parts]
    own = replace(scene, layers={name: scene.layers[name] for name in used})
    shape = [round(side / factor) for side in scene.grid.shape]
    other = Grid(scene.grid.crs, scene.grid.transform @ Affine.scale(factor), shape[1], shape[0])
    with tempfile.TemporaryDirectory() as folder:
        given = bring_to_trained(own, other, Path(folder) / "given") if factor != 1 else own
        grid = trained_grid(other, model.card.gsd_m)
        adapted = bring_to_trained(given, grid, Path(folder) / "adapted") if grid else given
        return tuple(
            rmse_of(with_pixels_of(model, seen.grid), seen, views, Path(folder) / name, truth_m, scene.grid)
            for name, seen in (("as", given), ("to", adapted))
        )


def rmse_of(model: LoadedModel, scene: Scene, views: list[int], folder: Path, truth_m: np.ndarray, grid: Grid) -> float:
    """Return the RMSE of the heights of a scene, brought to the grid of the reference."""
    task = Task(model, scene, views, inference_settings(model), folder)
    out = folder.with_suffix(".tif")
    predict_strips(task).write(out)
    with open_raster(out) as raster, warped(raster, grid, Resampling.bilinear, add_alpha=False) as there:
        found_m = read_heights(there)
    return float(np.sqrt(np.nanmean(np.square(found_m - truth_m))))


if __name__ == "__main__":
    main(flags.parse_args())

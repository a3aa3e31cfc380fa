"""Print how unfamiliar changed images are to a trained model, and what the change does to its heights.

snakemake --cores 2 --resources gpu=1 --config experiment=omniheight -- models
python benchmarks/familiarity.py

Changes of the image of a test scene, and other images: median score and share of the tiles above the bound, the AUROC
of their scores against those of the unchanged image, and RMSE in metres against the reference.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, zoom
from scipy.stats import mannwhitneyu

from img2height.familiarity.familiarity import BOUND, Familiarity
from img2height.inference.familiar import find_familiarity
from img2height.inference.given import given_scene
from img2height.inference.inputs import open_inputs
from img2height.inference.predict import predict_raster
from img2height.inference.rescaled import with_pixels_of
from img2height.inference.unfamiliar import find_unfamiliar
from img2height.io.grid import Grid
from img2height.io.rasters import Band, open_raster, read_heights, write_cog
from img2height.io.tables import read_geotable
from img2height.models.folder import LoadedModel, load_model
from img2height.scenes.scene import Scene

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--experiment", default="omniheight")
flags.add_argument("--dataset", default="demo")
flags.add_argument("--root", type=Path, default=Path(), help="folder of the project that was run")
flags.add_argument("--scenes", nargs="+", default=["harbour", "meadow", "station"], help="the last is changed")
flags.add_argument("--method", default="im2height", help="one whose only input is the image")
flags.add_argument("--images", type=Path, nargs="*", default=[], help="other images with the bands of the method")

HAZE = 220  # brightness of a white veil


def coarser(image: np.ndarray, factor: float) -> np.ndarray:
    """Return an image as it looks with larger pixels, brought back to its own."""
    small = zoom(image, (1, 1 / factor, 1 / factor), order=1)
    return zoom(small, (1, image.shape[1] / small.shape[1], image.shape[2] / small.shape[2]), order=1)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda image: image,
    "haze, 20 %": lambda image: 0.8 * image + 0.2 * HAZE,
    "haze, 40 %": lambda image: 0.6 * image + 0.4 * HAZE,
    "gamma 0.7": lambda image: 255 * (image / 255) ** 0.7,
    "gamma 1.5": lambda image: 255 * (image / 255) ** 1.5,
    "first and third band swapped": lambda image: image[[2, 1, 0, *range(3, len(image))]],
    "grey": lambda image: np.broadcast_to(image.mean(axis=0), image.shape),
    "blur, 0.7 px": lambda image: gaussian_filter(image, (0, 0.7, 0.7)),
    "blur, 2 px": lambda image: gaussian_filter(image, (0, 2, 2)),
    "noise, 5 of 255": lambda image: image + np.random.default_rng(0).normal(0, 5, image.shape),
    "pixels 1.4 times as large, resampled": lambda image: coarser(image, 1.4),
    "pixels twice as large, resampled": lambda image: coarser(image, 2),
    "pixels half as large, as they are": lambda image: zoom(image, (1, 2, 2), order=1)[
        :, : image.shape[1], : image.shape[2]
    ],
}


def main(args: argparse.Namespace) -> None:
    model = load_model(args.root / f"models/{args.experiment}/{args.method}/fold0/seed0")
    folder = args.root / f"data/scenes/{args.dataset}"
    scenes = [Scene.load(folder / f"{name}/scene.json") for name in args.scenes]
    areas = read_geotable(args.root / f"data/folds/{args.experiment}/areas.parquet")
    seen = find_familiarity(model, scenes, areas, 0, model.card.tile_px or 256)
    bands = model.inputs["eo"]
    with open_raster(scenes[-1].path("eo")) as raster, open_raster(scenes[-1].path(model.recipe.target)) as reference:
        image = raster.read(scenes[-1].band_indexes("eo", bands)).astype(float)
        grid, truth_m = Grid.of(raster), read_heights(reference)
    print(f"| image | median score | above {BOUND:g} | AUROC | RMSE, m |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        path, usual = Path(scratch) / "image.tif", None
        for name, change in CHANGES.items():
            pixels = np.rint(change(image)).clip(0, 255).astype(np.uint8)
            write_cog(path, pixels, grid, [Band(band) for band in bands])
            scores = scores_of(model, seen, path)
            usual = scores if usual is None else usual
            predict_raster(model, {"eo": path}, out := path.with_name("height.tif"), threads=1)
            with open_raster(out) as raster:
                error_m = read_heights(raster) - truth_m
            row(name, scores, usual, f"{np.sqrt(np.nanmean(np.square(error_m))):.2f}")
    for path in args.images:
        row(f"{path.parent.name}/{path.name}", scores_of(model, seen, path), usual, "")


def scores_of(model: LoadedModel, seen: Familiarity, path: Path) -> np.ndarray:
    """Return the scores of the tiles of an image, whatever its pixel size."""
    scene = given_scene(model.inputs, {"eo": path})
    with open_inputs(with_pixels_of(model, scene.grid), scene) as images:
        scores = find_unfamiliar(images, seen).scores
    return scores[np.isfinite(scores)]


def row(name: str, scores: np.ndarray, usual: np.ndarray, error_m: str) -> None:
    """Print a row of the table."""
    auroc = mannwhitneyu(scores, usual).statistic / (len(scores) * len(usual))
    share = (scores > BOUND).mean()
    print(f"| {name} | {np.median(scores):.1f} | {share:.0%} | {auroc:.2f} | {error_m} |", flush=True)


if __name__ == "__main__":
    main(flags.parse_args())

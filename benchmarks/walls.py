"""Print how well touching buildings of the synthetic city are divided by heights, and by walls that a network predicts.

snakemake --cores 2 --config experiment=buildings
python benchmarks/walls.py
make demo && python benchmarks/walls.py --experiment results/demo

Masks, heights and walls are those of the reference or of `unet_buildings`; `none` divides nothing. With `--experiment`,
those of the reference and of all its methods, divided by nothing and by their heights.
"""

import argparse
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import geopandas
import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.buildings import extract
from img2height.heights import read_above_ground
from img2height.io.rasters import open_raster, read_heights
from img2height.metrics.matching import detection_scores, overlaps, segmentation_errors
from img2height.scenes.scene import Scene
from img2height.settings.parsing import parse, read_yaml
from img2height.settings.protocol import Params
from img2height.vocabulary.outputs import CLASSES, WALL

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--scene", type=Path, default=Path("data/scenes/demo/station/scene.json"))
flags.add_argument(
    "--result", type=Path, default=Path("results/buildings/unet_buildings/oof/seed0/station"), help="a folder"
)
flags.add_argument("--experiment", type=Path, help="results of an experiment, to compare all its methods")
REFERENCE, PREDICTED, NONE = "reference", "predicted", "none"
DIVISIONS = (NONE, "heights", f"{PREDICTED} walls", f"{REFERENCE} walls")


def main(args: argparse.Namespace) -> None:
    scene, rules = Scene.load(args.scene), parse(Params, read_yaml(Path("params.yaml")), "params.yaml").buildings
    truth = geopandas.read_parquet(scene.path("buildings"))
    folders, divisions, walls = {PREDICTED: args.result}, DIVISIONS, {}
    if not args.experiment:
        walls = {REFERENCE: scene.path(WALL), PREDICTED: args.result / "probability.tif"}
    else:
        made = args.experiment.glob(f"*/oof/seed0/{scene.name}/footprint.tif")
        folders = {path.parts[-5]: path.parent for path in sorted(made)}
        divisions = DIVISIONS[:2]
    masks = {REFERENCE: scene.path("building")} | {name: at / "footprint.tif" for name, at in folders.items()}
    print("| mask and heights | divided by | buildings | F1 at 0.5 | oversegmentation | undersegmentation |")
    print("|---|---|---|---|---|---|")
    for of, division in product(masks, divisions):
        which = next((name for name in walls if name in division), None)
        found = extract(
            above_ground(scene, of, folders), read(masks[of]) == 1, scene.grid.transform, scene.grid.crs,
            split_step_m=None if division == NONE else rules.split_step_m,
            min_area_m2=rules.min_area_m2, simplify_m=rules.simplify_m, wall=read(walls[which]) if which else None,
        )  # fmt: skip
        pairs = overlaps(found, truth)
        f1, errors = detection_scores(pairs, [0.5])["f1"].item(), segmentation_errors(pairs).mean()
        shares = " | ".join(f"{errors[name]:.3f}" for name in ("oversegmentation", "undersegmentation"))
        print(f"| {of} | {division} | {len(found)} of {len(truth)} | {f1:.3f} | {shares} |", flush=True)


def above_ground(scene: Scene, of: str, folders: Mapping[str, Path]) -> np.ndarray:
    """Return the heights above ground of the reference or of a method, HxW float32, NaN where missing."""
    with open_raster(scene.path("dtm")) as terrain:
        if of == REFERENCE:
            return read(scene.path("ndsm"))
        with open_raster(folders[of] / "height.tif") as heights:
            return read_above_ground(heights, terrain, Window(0, 0, heights.width, heights.height))


def read(path: Path) -> np.ndarray:
    """Return the only band of a raster, or that of walls among several, HxW float32, NaN where missing."""
    with open_raster(path) as raster:
        return read_heights(raster, band=_band(raster))


def _band(raster: DatasetReader) -> int:
    return raster.count if CLASSES[WALL].band in raster.descriptions else 1


if __name__ == "__main__":
    main(flags.parse_args())

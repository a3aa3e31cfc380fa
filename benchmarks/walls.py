"""Print how well touching buildings of the synthetic city are divided by heights, and by walls that a network predicts.

snakemake --cores 2 --config experiment=buildings
python benchmarks/walls.py

Masks, heights and walls are those of the reference or of `unet_buildings`; `none` divides nothing.
"""

import argparse
from itertools import product
from pathlib import Path

import geopandas
import numpy as np
from rasterio.io import DatasetReader

from img2height.buildings import extract
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
REFERENCE, PREDICTED, NONE = "reference", "predicted", "none"
DIVISIONS = (NONE, "heights", f"{PREDICTED} walls", f"{REFERENCE} walls")


def main(args: argparse.Namespace) -> None:
    scene, rules = Scene.load(args.scene), parse(Params, read_yaml(Path("params.yaml")), "params.yaml").buildings
    truth = geopandas.read_parquet(scene.path("buildings"))
    masks = {REFERENCE: scene.path("building"), PREDICTED: args.result / "footprint.tif"}
    heights = {REFERENCE: scene.path("ndsm"), PREDICTED: args.result / "height.tif"}
    walls = {REFERENCE: scene.path(WALL), PREDICTED: args.result / "probability.tif"}
    print("| mask and heights | divided by | buildings | F1 at 0.5 | oversegmentation | undersegmentation |")
    print("|---|---|---|---|---|---|")
    for of, division in product(masks, DIVISIONS):
        which = next((name for name in walls if name in division), None)
        found = extract(
            read(heights[of]), read(masks[of]) == 1, scene.grid.transform, scene.grid.crs,
            split_step_m=None if division == NONE else rules.split_step_m,
            min_area_m2=rules.min_area_m2, simplify_m=rules.simplify_m, wall=read(walls[which]) if which else None,
        )  # fmt: skip
        pairs = overlaps(found, truth)
        f1, errors = detection_scores(pairs, [0.5])["f1"].item(), segmentation_errors(pairs).mean()
        shares = " | ".join(f"{errors[name]:.3f}" for name in ("oversegmentation", "undersegmentation"))
        print(f"| {of} | {division} | {len(found)} of {len(truth)} | {f1:.3f} | {shares} |", flush=True)


def read(path: Path) -> np.ndarray:
    """Return the only band of a raster, or that of walls among several, HxW float32, NaN where missing."""
    with open_raster(path) as raster:
        return read_heights(raster, band=_band(raster))


def _band(raster: DatasetReader) -> int:
    return raster.count if CLASSES[WALL].band in raster.descriptions else 1


if __name__ == "__main__":
    main(flags.parse_args())

"""Print what known heights make of a height map, in parts of the area in which none is known.

img2height predict --model MODEL --image rgb.tif --out height.tif
python benchmarks/calibrate.py height.tif data/raw/autzen/ndsm.tif --image data/raw/autzen/rgb.tif

The area is a chessboard of 100 m. Known heights are drawn from the reference on fields of one colour, 2 % of them with
an error of 20 m, and 10,000 pixels of the other fields are compared with the reference, before and after. The seed
decides draw and colour.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyproj
import shapely

from img2height.correction.apply import correlation_px, finished, open_map
from img2height.correction.choice import choose
from img2height.correction.control import Control
from img2height.correction.features import Map
from img2height.correction.samples import Samples, samples_of
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster, read_heights

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("heights", type=Path, help="height map above ground")
flags.add_argument("reference", type=Path, help="heights above ground on the same grid")
flags.add_argument("--image", type=Path, help="on the same grid")
flags.add_argument("--points", type=int, nargs="+", default=[50, 200, 1000])
flags.add_argument("--seeds", type=int, default=5)
FIELD_M, WRONG, WRONG_M = 100.0, 0.02, 20.0
TESTED = 10_000  # pixels


class Result(NamedTuple):
    """The chosen correction, and the errors in metres before and after."""

    chosen: str
    mae_m: tuple[float, float]
    rmse_m: tuple[float, float]


def main(args: argparse.Namespace) -> None:
    with open_map(args.heights, args.image) as onto, open_raster(args.reference) as reference:
        onto.grid.require(Grid.of(reference), str(args.heights), str(args.reference))
        truth = read_heights(reference)
        print("| known heights | chosen | MAE before | MAE after | | RMSE before | RMSE after | |")
        print("|---|---|---|---|---|---|---|---|")
        for count in args.points:
            found = [result(onto, truth, count, seed) for seed in range(args.seeds)]
            names = ", ".join(f"{name} {times}" for name, times in Counter(each.chosen for each in found).most_common())
            scores = " | ".join(map(change, ([each.mae_m for each in found], [each.rmse_m for each in found])))
            print(f"| {count} | {names} | {scores} |", flush=True)


def result(onto: Map, truth: np.ndarray, count: int, seed: int) -> Result:
    """Return what one draw of known heights makes of a map."""
    rng, side = np.random.default_rng(seed), round(FIELD_M / onto.grid.gsd_m)
    rows, columns = np.indices(truth.shape, sparse=True)
    mine = (rows // side + columns // side) % 2 == seed % 2
    valid = np.isfinite(truth) & np.isfinite(read_heights(onto.heights))
    control = drawn(onto, truth, valid & mine, count, rng)
    wrong = np.where(rng.random(count) < WRONG, WRONG_M, 0.0)
    choice = choose(
        replace(control, known_m=control.known_m + wrong), correlation_px(onto), lambda each: finished(each, onto)
    )
    tested = drawn(onto, truth, valid & ~mine, TESTED, rng)
    after = finished(choice.correction.correct(tested), onto) if choice.correction else tested.height_m
    errors = [tested.height_m - tested.known_m, after - tested.known_m]
    return Result(
        choice.chosen,
        (float(np.abs(errors[0]).mean()), float(np.abs(errors[1]).mean())),
        (float(np.sqrt(np.square(errors[0]).mean())), float(np.sqrt(np.square(errors[1]).mean()))),
    )


def drawn(onto: Map, truth: np.ndarray, where: np.ndarray, count: int, rng: np.random.Generator) -> Samples:
    """Return samples of some pixels of an area."""
    chosen = rng.choice(np.flatnonzero(where), count, replace=False)
    rows, columns = np.divmod(np.sort(chosen), truth.shape[1])
    points = np.asarray(shapely.points(columns + 0.5, rows + 0.5), dtype=object)
    crs = pyproj.CRS.from_user_input(onto.grid.crs)
    return samples_of(Control(Path("drawn"), crs, points, truth[rows, columns].astype(float), rows), onto)


def change(scores: Sequence[tuple[float, float]]) -> str:
    """Return the means before and after over the draws, and the change in percent with its range."""
    before, after = np.mean(scores, axis=0)
    percent = [100 * (each[1] / each[0] - 1) for each in scores]
    return f"{before:.2f} | {after:.2f} | {np.mean(percent):+.0f} % ({min(percent):+.0f} to {max(percent):+.0f})"


if __name__ == "__main__":
    main(flags.parse_args())

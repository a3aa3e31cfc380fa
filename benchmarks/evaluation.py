"""Print how long scores take, as a multiple of reading both rasters, and the memory they need, at two sizes.

python benchmarks/evaluation.py
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter

from img2height.io.grid import Grid
from img2height.io.rasters import (
    Band,
    copy_to_cog,
    create_scratch,
    height_band,
    open_raster,
    read_heights,
    write_heights,
)
from img2height.scoring.scene import evaluate_scene

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--sizes", type=int, nargs="+", default=[2048, 8192], help="sides of the scene in pixels")
flags.add_argument("--tile-px", type=int, nargs="+", default=[256], help="sides of the tiles")
flags.add_argument("--threads", type=int, default=2, help="threads for reading, and for scoring")
LAYERS = ("ndsm", "building", "footprint")
BUILDING_M = 3.0
CACHE_MIB, SMALL_PX = "64", 256


def make(folder: Path, side: int) -> None:
    """Write a scene, a third of it building, and a prediction with smooth and rough errors."""
    grid = Grid(CRS.from_epsg(25832), Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000), side, side)

    def height(window: Window, predicted: bool) -> np.ndarray:
        rng = np.random.default_rng([window.row_off, window.col_off])
        shape = window.height, window.width
        truth = np.maximum(gaussian_filter(rng.normal(0, 60, shape), 4), 0)
        error = gaussian_filter(rng.normal(0, 9, shape), 3) + rng.normal(0, 0.2, shape)
        return (truth + predicted * error).astype(np.float32)

    for name, mask in (("ndsm", "building"), ("height", "footprint")):
        compute = partial(height, predicted=name == "height")
        write_heights(folder / f"{name}.tif", grid, [height_band("ndsm")], compute)
        with create_scratch(folder / "scratch.tif", grid, [Band(mask)], "uint8", 255) as scratch:
            for window in grid.blocks():
                scratch.write(compute(window) > BUILDING_M, window)
        copy_to_cog(folder / "scratch.tif", folder / f"{mask}.tif", categorical=True)


def read(folder: Path, threads: int) -> None:
    """Read both rasters once, each thread with its own handles."""

    def work(number: int) -> None:
        with open_raster(folder / "height.tif") as height, open_raster(folder / "ndsm.tif") as truth:
            for window in list(Grid.of(height).blocks())[number::threads]:
                read_heights(height, window)
                read_heights(truth, window)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


def evaluate(folder: Path, tile_px: int, threads: int) -> None:
    layers = {name: folder / f"{name}.tif" for name in LAYERS}
    evaluate_scene(
        folder / "height.tif", layers, ratio_min_height_m=1.0, ssim_range_m=30.0, tile_px=tile_px, threads=threads
    )


def measure(folder: Path, small: Path, tile_px: int, threads: int) -> list[float]:
    """Return wall and CPU seconds of the first scores, of reading and of scoring, and the peak memory in MiB.

    The first scores are those of a small scene: their time is that of compiling, or of loading the compiled code.
    """
    seconds = []
    for work in (
        lambda: evaluate(small, tile_px, threads),
        lambda: read(folder, threads),
        lambda: evaluate(folder, tile_px, threads),
    ):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        seconds += [time.perf_counter() - wall, time.process_time() - cpu]
    return [*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]


def main(sizes: list[int], tiles: list[int], threads: int) -> None:
    os.environ["GDAL_CACHEMAX"] = CACHE_MIB  # else GDAL keeps blocks in up to 5 % of the memory of the machine
    print(f"{threads} threads; seconds are wall / CPU")
    print("| scene px | tile px | first call s | reading s | scores s | ratio | scores ns/px | peak MiB |")
    print("|---" * 8 + "|")
    for side in sizes:
        with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as small:
            make(Path(name), side)
            make(Path(small), SMALL_PX)
            for tile_px in tiles:
                spawn = multiprocessing.get_context("spawn")
                with ProcessPoolExecutor(1, mp_context=spawn) as pool:
                    *pairs, peak = pool.submit(measure, Path(name), Path(small), tile_px, threads).result()
                reading, scoring = pairs[2:4], pairs[4:6]
                ratio = [scored / read for scored, read in zip(scoring, reading, strict=True)]
                cells = [
                    *(f"{wall:.2f} / {cpu:.2f}" for wall, cpu in (pairs[:2], reading, scoring)),
                    f"{ratio[0]:.1f} / {ratio[1]:.1f}",
                    f"{scoring[0] / side**2 * 1e9:.0f} / {scoring[1] / side**2 * 1e9:.0f}",
                    f"{peak:.0f}",
                ]
                print(f"| {side} | {tile_px} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    args = flags.parse_args()
    main(args.sizes, args.tile_px, args.threads)

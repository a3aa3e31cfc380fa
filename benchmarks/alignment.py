"""Compare bringing a mosaic of many files to the grid of a scene with GDAL's warp alone, in time and memory.

python benchmarks/alignment.py --sizes 4096 16384

GDAL's warp is `rasterio.warp.reproject` between files, which is what the program gdalwarp calls, with its 64 MB and one
thread, and then a copy to the same kind of COG (gdalwarp -of COG). Ours also checks the values, converts units, applies
the rules of nodata, and reads back what it wrote. Runs alternate, each in its own process; the one with the least CPU
time counts. Parts are links to a few different files, so that a large mosaic needs no more disk than a small one.
Ratios to expect: at most 1.5 of the time, below 1 GB, and no more memory for 16 times the area.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.warp import reproject
from scipy.ndimage import gaussian_filter

from img2height.io.grid import Grid
from img2height.io.projections import reproject_bounds
from img2height.io.rasters import copy_to_cog
from img2height.io.vrt import Part, write_mosaic
from img2height.scenes.sources import check_raster
from img2height.scenes.warp import bring_to_grid
from img2height.settings.dataset import Layer

GSD_M, PART_PX, DIFFERENT = 0.5, 1024, 8
WARP_MB = 64  # gdalwarp's default
SYSTEM, OTHER = CRS.from_epsg(25832), CRS.from_epsg(25833)
LAYERS = {
    "dsm": Layer(path="dsm.vrt", unit="metre"),
    "eo": Layer(path="eo.vrt", bands=["red", "green", "blue"]),
}
GRIDS = ("same grid", "half a pixel off", "other CRS")

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--sizes", type=int, nargs="+", default=[4096, 16384], help="sides of the mosaic in pixels")
flags.add_argument("--layers", nargs="+", default=list(LAYERS), choices=LAYERS)
flags.add_argument("--grids", nargs="+", default=list(GRIDS), choices=GRIDS)
flags.add_argument("--repeats", type=int, default=3, help="runs of each up to 4096 px; larger ones run once")
flags.add_argument("--folder", type=Path, help="where files are made; by default the system's for temporary files")


def main(args: argparse.Namespace) -> None:
    print("| layer | grid | px | files | GDAL, wall / CPU s | ours | ratio | peak memory, MiB: GDAL | ours |")
    print(f"|{'---|' * 9}")
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        for side in args.sizes:
            folder = Path(name) / str(side)
            alone(make, folder, side)
            for layer in args.layers:
                for grid in args.grids:
                    print(row(folder, side, layer, grid, args.repeats if side <= 4096 else 1), flush=True)


def row(folder: Path, side: int, layer: str, grid: str, repeats: int) -> str:
    """Return a row of the table."""
    runs = [
        (alone(by_gdal, folder, side, layer, grid), alone(by_us, folder, side, layer, grid)) for _ in range(repeats)
    ]
    (their_s, their_cpu, their_mib), (wall_s, cpu_s, mib) = (
        min(found, key=lambda run: run[1]) for found in zip(*runs, strict=True)
    )
    ratios = f"{wall_s / their_s:.2f} / {cpu_s / their_cpu:.2f}"
    files = len(range(0, side, PART_PX)) ** 2
    seconds = f"{their_s:.1f} / {their_cpu:.1f} | {wall_s:.1f} / {cpu_s:.1f} | {ratios}"
    return f"| {layer} | {grid} | {side} | {files} | {seconds} | {their_mib:.0f} | {mib:.0f} |"


def alone(function, *values):
    """Return the result of a function, run in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *values).result()


def make(folder: Path, side: int) -> None:
    """Write a mosaic of each layer."""
    folder.mkdir()
    for layer in LAYERS:
        for number in range(DIFFERENT):
            write_part(folder / f"{layer}{number}.tif", layer, number)
        parts = []
        for row in range(0, side, PART_PX):
            for column in range(0, side, PART_PX):
                link = folder / f"{layer}_{row}_{column}.tif"
                os.link(folder / f"{layer}{(row // PART_PX * 3 + column // PART_PX) % DIFFERENT}.tif", link)
                parts.append(Part(link, column, row))
        write_mosaic(folder / f"{layer}.vrt", grid_of(side), parts)


def write_part(path: Path, layer: str, number: int) -> None:
    """Write one file: smooth heights with noise and a hole, or colours, compressed as agencies deliver them."""
    rng = np.random.default_rng(number)
    bands = 1 if layer == "dsm" else 3
    rough = gaussian_filter(rng.normal(0, 60, (bands, PART_PX, PART_PX)), (0, 4, 4))
    values = (
        (100 + rough).round(2).astype(np.float32) if bands == 1 else (100 + 8 * rough).clip(1, 255).astype(np.uint8)
    )
    if bands == 1:
        values[:, :100, :50] = -9999
    with rasterio.open(
        path, "w", driver="GTiff", width=PART_PX, height=PART_PX, count=bands, dtype=values.dtype, crs=SYSTEM,
        transform=Affine(GSD_M, 0, 0, 0, -GSD_M, 0), nodata=-9999 if bands == 1 else 0, tiled=True, compress="deflate",
    ) as file:  # fmt: skip
        file.write(values)


def grid_of(side: int) -> Grid:
    return Grid.north_up(SYSTEM, 700_000, 5_800_000, GSD_M, (side, side))


def wanted(side: int, grid: str) -> Grid:
    """Return the grid of the result."""
    own = grid_of(side)
    if grid == "same grid":
        return own
    if grid == "half a pixel off":
        return own.moved(GSD_M / 2, GSD_M / 2)
    west, _, _, north = reproject_bounds(own.bounds, own.crs, OTHER, own.place)
    return Grid.north_up(OTHER, west, north, GSD_M, (side, side))


def by_us(folder: Path, side: int, layer: str, grid: str) -> tuple[float, float, float]:
    start = time.perf_counter(), time.process_time()
    bring_to_grid(check_raster(layer, LAYERS[layer], folder), wanted(side, grid), folder / "ours.tif")
    return measured(start)


def by_gdal(folder: Path, side: int, layer: str, grid: str) -> tuple[float, float, float]:
    start = time.perf_counter(), time.process_time()
    to, scratch = wanted(side, grid), folder / "scratch.tif"
    resampling = Resampling.nearest if grid == "same grid" else Resampling.bilinear
    with rasterio.open(folder / f"{layer}.vrt") as source:
        profile = {"driver": "GTiff", "tiled": True, "blockxsize": 512, "blockysize": 512, "bigtiff": "yes"}
        size = {"width": to.width, "height": to.height, "count": source.count, "crs": to.crs, "transform": to.transform}
        with rasterio.open(scratch, "w", **profile, **size, dtype=source.dtypes[0], nodata=source.nodata) as out:
            bands = [rasterio.band(file, list(source.indexes)) for file in (source, out)]
            reproject(*bands, resampling=resampling, num_threads=1, warp_mem_limit=WARP_MB)
    copy_to_cog(scratch, folder / "theirs.tif")
    scratch.unlink()
    return measured(start)


def measured(start: tuple[float, float]) -> tuple[float, float, float]:
    """Return the wall and CPU seconds since a start, and the largest memory of this process in MiB."""
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return time.perf_counter() - start[0], time.process_time() - start[1], peak_mib


if __name__ == "__main__":
    main(flags.parse_args())

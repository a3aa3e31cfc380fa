"""Print time, peak memory and quality of building extraction beside common libraries, as Markdown.

python benchmarks/buildings.py speed --sizes 4096 8192 16384
pip install buildingregulariser==0.2.5 && python benchmarks/buildings.py outlines

`speed`: 20,000 houses on 8192 x 8192 px, as many per pixel in the other sizes; a third are pairs that share a wall.
Extraction divides, measures and outlines them. The peer is `rasterio.features.shapes`, `shapely.simplify` of each
polygon and `scipy.ndimage.median` of the heights, without any division. Each run is a process of its own; seconds are
processor time of one core, which other work disturbs less.
`outlines`: the synthetic city and rows of terraced houses from their true masks and heights.
"""

import argparse
import importlib.util
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.features import shapes
from rasterio.windows import Window
from scipy.ndimage import label, median
from skimage.draw import polygon
from skimage.measure import label as label_equal

from img2height.buildings import extract
from img2height.buildings.outlines import outlines_of
from img2height.buildings.polygons import Inputs, Rules, extract_by_block
from img2height.buildings.split import numbered
from img2height.io.grid import Grid
from img2height.io.rasters import Band, bounded_cache, height_band, open_raster, read_heights, write_cog
from img2height.metrics.matching import match, overlaps
from img2height.scenes.city import CitySettings, generate
from img2height.scenes.synthetic import synthetic_grid
from img2height.vocabulary.layers import NODATA

GSD_M = 0.5
CELL_PX = 58  # 8192 px hold 141 x 141 cells
RULES = Rules(split_step_m=0.5, min_area_m2=20.0, simplify_m=1.0)
UTM = CRS.from_epsg(25832)
PLACE = Affine(GSD_M, 0, 0, 0, -GSD_M, 0)  # of the scenes of `outlines`

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("what", choices=["speed", "outlines"])
flags.add_argument("--sizes", type=int, nargs="+", default=[4096, 8192])
flags.add_argument("--largest-peer", type=int, default=8192, help="the peer holds whole rasters in memory")
flags.add_argument("--seeds", type=int, nargs="+", default=[1, 3, 5], help="districts of the city")


def main(args: argparse.Namespace) -> None:
    speed(args) if args.what == "speed" else outlines(args)


def speed(args: argparse.Namespace) -> None:
    print("| px | buildings | extraction, s | peak, MiB | shapes + simplify + median, s | peak, MiB | ratio |")
    print("|---|---|---|---|---|---|---|")
    for side in args.sizes:
        with tempfile.TemporaryDirectory() as folder:
            apart(make, Path(folder), side)
            count, seconds, peak = apart(ours, Path(folder))
            row = f"| {side} | {count:,} | {seconds:.1f} | {peak:.0f} |"
            if side <= args.largest_peer:
                _, theirs, memory = apart(peer, Path(folder))
                row += f" {theirs:.1f} | {memory:.0f} | {seconds / theirs:.2f} |"
            print(row, flush=True)


def apart(work: Callable[..., object], *args: object) -> tuple[object, float, float]:
    """Return what a function returns, its processor seconds and its peak memory in MiB, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (work, args))


def _measured(work: Callable[..., object], args: tuple[object, ...]) -> tuple[object, float, float]:
    start = time.process_time()
    result = work(*args)
    return result, time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make(folder: Path, side: int) -> None:
    """Write the mask and the heights of turned houses, one in each cell."""
    mask, height = np.zeros((side, side), np.uint8), np.zeros((side, side), np.float32)
    rng = np.random.default_rng([side])
    for row in range(CELL_PX // 2, side - CELL_PX // 2, CELL_PX):
        for column in range(CELL_PX // 2, side - CELL_PX // 2, CELL_PX):
            _build(mask, height, (row, column), rng)
    grid = Grid(UTM, PLACE, side, side)
    write_cog(folder / "mask.tif", mask, grid, [Band("building")], categorical=True)
    write_cog(folder / "ndsm.tif", height, grid, [height_band("ndsm")], nodata=NODATA)


def _build(mask: np.ndarray, height: np.ndarray, middle: tuple[int, int], rng: np.random.Generator) -> None:
    """Draw a house, or a pair whose heights differ by 2 m, with noise of 0.1 m."""
    angle, length, width = rng.uniform(0, np.pi), rng.uniform(9, 19), rng.uniform(7, 12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    low, cuts = rng.uniform(4, 9), ([-1, 0, 1] if rng.random() < 1 / 3 else [-1, 1])
    for number, (start, end) in enumerate(pairwise(cuts)):
        corners = np.array(
            [(start * length, -width), (end * length, -width), (end * length, width), (start * length, width)]
        )
        inside = polygon(*(corners @ turn.T + middle).T, mask.shape)
        mask[inside] = 1
        height[inside] = low + 2 * number + rng.normal(0, 0.1, len(inside[0]))


def ours(folder: Path) -> int:
    """Return the number of buildings."""
    with bounded_cache(), open_raster(folder / "mask.tif") as mask, open_raster(folder / "ndsm.tif") as heights:
        grid = Grid.of(mask)

        def height(window: Window) -> np.ndarray:
            return read_heights(heights, window)

        return len(extract_by_block(Inputs(grid, height, lambda window: mask.read(1, window=window)), RULES))


def peer(folder: Path) -> int:
    """Return the number of buildings; each region of the mask is one."""
    with open_raster(folder / "mask.tif") as raster, open_raster(folder / "ndsm.tif") as heights:
        mask, height, transform = raster.read(1), heights.read(1), raster.transform
    found = [shapely.geometry.shape(one) for one, _ in shapes(mask, mask=mask == 1, transform=transform)]
    simple = [one.simplify(1.0) for one in found]
    labels, count = label(mask)
    frame = geopandas.GeoDataFrame({"height_m": median(height, labels, np.arange(1, count + 1))}, geometry=simple)
    return len(frame)


def outlines(args: argparse.Namespace) -> None:
    print("| scene | outlines | buildings | F1 | median IoU | 4 corners | overlap, m² | gaps, m² | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, height, ids, truth in [terraces(), *map(district, args.seeds)]:
        pixels = drawn(ids, 0.0)
        for how, find in makers(height, ids, pixels).items():
            start = time.perf_counter()
            found = np.asarray(find())
            seconds = time.perf_counter() - start
            print(f"| {name} | {how} | {quality(found, truth, pixels)} | {seconds:.2f} |", flush=True)


def terraces() -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of six houses of 6 x 10 m, 6 and 7.5 m high in turns, turned by 20 degrees; noise of 0.3 m."""
    height, ids, houses = np.zeros((400, 400), np.float32), np.zeros((400, 400), np.int32), []
    turn = np.array([[np.cos(0.35), -np.sin(0.35)], [np.sin(0.35), np.cos(0.35)]])
    for house in range(36):
        row, column = divmod(house, 6)
        left, top = 12 * column - 36, 40 * row - 110
        corners = np.array([(left, top), (left + 12, top), (left + 12, top + 20), (left, top + 20)]) @ turn.T + 200
        inside = polygon(*corners.T[::-1], ids.shape)
        height[inside], ids[inside] = 6 + 1.5 * (column % 2), house + 1
        houses.append(shapely.Polygon(_on_map(corners)))
    noise = np.random.default_rng([1]).normal(0, 0.3, height.shape).astype(np.float32)
    return "terraces", height + noise, ids, np.array(houses)


def district(seed: int) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    """Return a district of the synthetic city; its houses, moved to the place of the other scenes."""
    city = generate(CitySettings(seed=seed))
    corner = synthetic_grid(city.settings).transform
    houses = np.array([building.polygon for building in city.buildings])
    return f"city {seed}", city.ndsm, city.building_id, shapely.transform(houses, lambda xy: xy - (corner.c, corner.f))


def makers(height: np.ndarray, ids: np.ndarray, pixels: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """Return what draws outlines: of the true pixels of each building, and of mask and heights alone."""
    frame = geopandas.GeoDataFrame(geometry=list(pixels), crs=UTM)
    found: dict[str, Callable[[], np.ndarray]] = {
        "ours, true pixels": lambda: drawn(ids, 1.0),
        "`shapely.simplify`, true pixels": lambda: shapely.simplify(pixels, 1.0),
        "`coverage_simplify`, true pixels": lambda: shapely.coverage_simplify(pixels, 1.0),
        "ours, undivided mask": lambda: extract(height, ids > 0, PLACE, UTM).geometry.to_numpy(),
        "ours, mask and heights": lambda: extract(height, ids > 0, PLACE, UTM, split_step_m=0.5).geometry.to_numpy(),
    }
    if importlib.util.find_spec("buildingregulariser"):
        from buildingregulariser import regularize_geodataframe

        found["buildingregulariser, true pixels"] = lambda: regularize_geodataframe(frame).geometry.to_numpy()
    return found


def drawn(ids: np.ndarray, simplify_m: float) -> np.ndarray:
    """Return the outlines of buildings whose pixels have numbers."""
    parts = numbered(label_equal(ids, background=0, connectivity=1))
    grid = Grid(UTM, PLACE, ids.shape[1], ids.shape[0])
    return outlines_of(parts, np.ones_like(parts), Window(0, 0, grid.width, grid.height), grid, simplify_m)[0]


def quality(found: np.ndarray, truth: np.ndarray, pixels: np.ndarray) -> str:
    """Return number, F1 at an IoU of 0.5, median IoU with the truth, share of rectangles with four corners, errors."""
    f1 = 2 * len(match(overlaps(shapely.make_valid(found), truth), 0.5).predicted) / (len(found) + len(truth))
    overlap = shapely.area(found).sum() - shapely.union_all(found).area
    gaps = _holes(found) - _holes(pixels)
    one, other = shapely.STRtree(truth).query(found, predicate="intersects")
    iou = shapely.area(shapely.intersection(found[one], truth[other]))
    iou /= shapely.area(shapely.union(found[one], truth[other]))
    best = np.zeros(len(truth))
    np.maximum.at(best, other, iou)
    is_rectangle = (shapely.get_num_coordinates(shapely.simplify(truth, 0.01)) == 5)[other] & (iou > 0.5)
    corners = shapely.get_num_coordinates(found[one][is_rectangle]) - 1
    return (
        f"{len(found)} of {len(truth)} | {f1:.3f} | {np.median(best):.3f} | {np.mean(corners == 4):.2f} | "
        f"{overlap:.1f} | {gaps:.1f}"
    )


def _holes(polygons: np.ndarray) -> float:
    """Return the area of the holes in the union of polygons."""
    parts = shapely.get_parts(shapely.union_all(polygons))
    return float(shapely.area(shapely.polygons(shapely.get_exterior_ring(parts))).sum() - shapely.area(parts).sum())


def _on_map(pixels: np.ndarray) -> np.ndarray:
    return np.stack(PLACE @ (pixels[:, 0], pixels[:, 1]), axis=1)


if __name__ == "__main__":
    main(flags.parse_args())

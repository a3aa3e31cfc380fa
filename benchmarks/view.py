"""Print how long a map of a large scene takes to write, and to open in headless Chromium, as a row of Markdown.

python benchmarks/view.py --sizes 8192

The scene has the houses of benchmarks/buildings.py: 20,000 on 8192 x 8192 px. *Opens in*: from the address to the first
picture with all its tiles, from disk, in a new browser with software rendering; the fastest of the rounds.
"""

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from browser import browser
from buildings import RULES, apart, make
from rasterio.windows import Window

from img2height.buildings.polygons import Inputs, extract_by_block
from img2height.io.grid import Grid
from img2height.io.rasters import bounded_cache, open_raster, read_heights
from img2height.view.files import open_files
from img2height.view.write import write_view

SIZE_PX = (1280, 800)  # of the browser's window

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--sizes", type=int, nargs="+", default=[8192], help="sides of the scene in pixels")
flags.add_argument("--rounds", type=int, default=3)


def main(args: argparse.Namespace) -> None:
    print("| scene | CPU time, s | peak memory, MiB | folder, MB | opens in, s |")
    print("|---|---|---|---|---|")
    for side in args.sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            apart(make, folder, side)
            count, _, _ = apart(extract, folder)
            _, seconds, peak = apart(write, folder)
            size = sum(path.stat().st_size for path in (folder / "map").rglob("*") if path.is_file()) / 1e6
            opens = min(opening(folder) for _ in range(args.rounds))
        scene = f"{side} x {side} px, one method, {count:,} buildings"
        print(f"| {scene} | {seconds:.0f} | {peak:.0f} | {size:.0f} | {opens:.1f} |", flush=True)


def extract(folder: Path) -> int:
    """Write the buildings of a scene, and return their number."""
    with bounded_cache(), open_raster(folder / "mask.tif") as mask, open_raster(folder / "ndsm.tif") as heights:

        def height(window: Window) -> object:
            return read_heights(heights, window)

        found = extract_by_block(Inputs(Grid.of(mask), height, lambda window: mask.read(1, window=window)), RULES)
    found.to_parquet(folder / "buildings.parquet")
    return len(found)


def write(folder: Path) -> None:
    """Write the map of a scene; its heights are also its reference."""
    heights = folder / "ndsm.tif"
    scene = partial(open_files, [heights], None, heights, [folder / "buildings.parquet"])
    write_view([scene], "Houses", folder / "map")


def opening(folder: Path) -> float:
    """Return the seconds from the address to the first complete picture, in a new browser."""
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as chromium:
        page = chromium.page()
        page.resize(*SIZE_PX)
        start = time.monotonic()
        page.open((folder / "map/index.html").as_uri())
        page.run("ready")
        return time.monotonic() - start


if __name__ == "__main__":
    main(flags.parse_args())

"""Print how unfamiliar one end of a photograph is, unchanged and changed, to a model trained on the other end.

python benchmarks/familiarity_ends.py PHOTO.tif ...

Familiarity depends on the images alone, so no model is trained: the first 45 % of the columns are its training area,
those up to 65 % its validation area, and the rest is scored; and once more from right to left. A case is one direction
of one photograph. By change: cases in which most tiles score above 2, or above 1, and the range of the medians.
"""

import argparse
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from familiarity import CHANGES
from rasterio.windows import Window

from img2height.familiarity.describe import describe
from img2height.familiarity.familiarity import BOUND, EDGE, Described, Familiarity
from img2height.familiarity.fit import fit_familiarity
from img2height.io.rasters import open_raster

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("photos", type=Path, nargs="+", help="rasters of 8 bits; their first three bands are used")

TILE_PX, STRIDE_PX, BUFFER_PX = 128, 64, 32
TRAIN, VAL = 0.45, 0.65  # ends of the training and validation areas


def main(args: argparse.Namespace) -> None:
    cases = [scores_by_change(*case) for path in args.photos for case in directions(path)]
    print(f"| change | most tiles above {BOUND:g} | most tiles above {EDGE:g} | median score |\n|---|---|---|---|")
    for name in cases[0]:
        middles = [float(np.median(case[name])) for case in cases]
        above = [f"{sum(middle > bound for middle in middles)} of {len(cases)}" for bound in (BOUND, EDGE)]
        print(f"| {name} | {above[0]} | {above[1]} | {min(middles):.1f} to {max(middles):.1f} |", flush=True)


def directions(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the image, bands x H x W float64, and its valid pixels, H x W bool, as they are and mirrored."""
    with open_raster(path) as raster:
        image, valid = raster.read([1, 2, 3]).astype(float), raster.dataset_mask() > 0
    yield image, valid
    yield image[..., ::-1], valid[:, ::-1]


def scores_by_change(image: np.ndarray, valid: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores of the tiles at the end of an image by change; changes of the pixel size are left out."""
    ends = [round(share * image.shape[2]) for share in (TRAIN, VAL)]
    train = described(image, valid, (0, ends[0]), STRIDE_PX)
    val = described(image, valid, (ends[0] + BUFFER_PX, ends[1]), STRIDE_PX)
    seen = fit_familiarity(train, val, {"eo": ["red", "green", "blue"]}, "0" * 64, ["a photograph"], TILE_PX)
    found = {}
    for name, change in CHANGES.items():
        if "pixels" not in name:
            pixels = np.rint(change(image)).clip(0, 255)
            found[name] = scores(seen, described(pixels, valid, (ends[1] + BUFFER_PX, image.shape[2]), TILE_PX))
    return found


def described(image: np.ndarray, valid: np.ndarray, columns: tuple[int, int], stride_px: int) -> list[Described]:
    """Return the descriptions of the tiles in a range of columns that are at least half valid."""
    rows = range(0, image.shape[1] - TILE_PX + 1, stride_px)
    corners = product(rows, range(columns[0], columns[1] - TILE_PX + 1, stride_px))
    tiles = [Window(left, top, TILE_PX, TILE_PX).toslices() for top, left in corners]
    return [{"eo": describe(image[:, *tile], valid[tile])} for tile in tiles if valid[tile].mean() >= 0.5]


def scores(seen: Familiarity, tiles: list[Described]) -> np.ndarray:
    """Return the scores of tiles."""
    shares = [found[1].sum() for tile in tiles if (found := seen.shares(tile))]
    return np.sqrt(np.maximum(shares, 0))


if __name__ == "__main__":
    main(flags.parse_args())

"""Tiny deliveries with the names, types, nodata and oddities of the real ones; one writer per adapter.

Every writer fills a folder with views of one hilly town in map coordinates, so that neighbouring tiles fit together.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

HOUSE_M, TREE_M, HIGHEST_M = 6, 4, 6
WRITERS: dict[str, Callable[[Path], None]] = {}


def writer(function: Callable[[Path], None]) -> Callable[[Path], None]:
    """Register the writer of the adapter with the name of the function."""
    WRITERS[function.__name__] = function
    return function


def scattered(*numbers: np.ndarray | int) -> np.ndarray:
    """Return pseudo-random numbers from 0 to 1 that belong to whole numbers, such as the coordinates of a pixel."""
    mixed = np.uint64(0)
    for number in numbers:
        mixed = (mixed ^ np.asarray(number).astype(np.int64).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2**53


class Town:
    """The town seen through one grid: north-up, square pixels.

    Args:
        west: left border in map coordinates.
        north: upper border.
        gsd: side of a pixel.
        shape: rows and columns.
    """

    def __init__(self, west: float, north: float, gsd: float, shape: tuple[int, int]):
        self.transform = Affine(gsd, 0, west, 0, -gsd, north)
        rows, columns = np.indices(shape)
        self.x, self.y = np.floor(west / gsd + columns).astype(np.int64), np.floor(north / gsd - rows).astype(np.int64)
        width, height, left, top = (4 + 4 * scattered(self.x // 12, self.y // 12, number) for number in range(4))
        along, across = self.x % 12 - left + 4, self.y % 12 - top + 4
        self.house = (along >= 0) & (along < width) & (across >= 0) & (across < height)

    @property
    def terrain(self) -> np.ndarray:
        """Terrain in metres, float32."""
        return (40 + 3 * np.sin(self.x / 40) + 2 * np.cos(self.y / 30)).astype(np.float32)

    @property
    def above(self) -> np.ndarray:
        """Height above ground in metres, float32: houses, and trees between them."""
        tree = (self.x % 12 >= 10) & (self.y % 12 >= 10)
        return np.where(self.house, HOUSE_M, np.where(tree, TREE_M, 0)).astype(np.float32)

    @property
    def surface(self) -> np.ndarray:
        """Surface in metres, float32."""
        return self.terrain + self.above

    def image(self, bands: int, dtype: str = "uint8", scale: int = 1) -> np.ndarray:
        """Return an image: noise that belongs to the place, and bright houses; no value is 0."""
        noise = np.stack([scattered(self.x, self.y, band) for band in range(bands)])
        return ((noise * 90 + 60 + 90 * self.house) * scale).astype(dtype)

    def classes(self, house: int, other: int) -> np.ndarray:
        """Return a map of classes, uint8."""
        return np.where(self.house, house, other).astype(np.uint8)

    def write(
        self, path: Path, array: np.ndarray, crs: str | None, *, nodata: float | None = None, **options: object,
    ) -> None:  # fmt: skip
        """Write an array HxW or CxHxW as delivered; without a CRS it has no place either."""
        path.parent.mkdir(parents=True, exist_ok=True)
        stack = array[None] if array.ndim == 2 else array
        place = {"crs": crs, "transform": self.transform} if crs else {}
        profile = {"count": len(stack), "height": stack.shape[1], "width": stack.shape[2], "dtype": stack.dtype}
        drivers = {".jp2": "JP2OpenJPEG", ".png": "PNG", ".jpg": "JPEG"}
        with rasterio.open(
            path, "w", driver=drivers.get(path.suffix, "GTiff"), nodata=nodata, **profile, **place, **options
        ) as out:
            out.write(stack)


LOSSLESS = {"QUALITY": "100", "REVERSIBLE": "YES"}


@writer
def folder(root: Path) -> None:
    for number, name in enumerate(("North Side", "south")):
        town = Town(500_000, 5_800_000 - 5000 * number, 1, (32, 160))
        place = root / name
        town.write(place / "rgb.tif", town.image(3), "EPSG:32633")
        town.write(place / "dsm.tif", town.surface, "EPSG:32633", nodata=-9999)
        town.write(place / "dtm.tif", town.terrain, "EPSG:32633", nodata=-9999)
        town.write(place / "buildings.tif", town.house.astype(np.uint8), "EPSG:32633")


@writer
def geonrw(root: Path) -> None:
    cities = {"aachen": 294, "bergisch": 340, "neuss": 336}
    for city, east in cities.items():
        for column, row in ((0, 0), (1, 0), (0, 1)):  # one tile of the square is missing
            name, side = f"{east + column}_{5628 - row}", 64
            town = Town((east + column) * side, (5629 - row) * side, 1, (side, side))
            town.write(root / f"{city}/{name}_rgb.jp2", town.image(3), "EPSG:25832", **LOSSLESS)
            town.write(root / f"{city}/{name}_dem.tif", town.surface, "EPSG:25832")
            town.write(root / f"{city}/{name}_seg.tif", town.classes(10, 3), "EPSG:25832")
            town.write(root / f"dgm1/dgm1_32_{name}_1_nw_2021.tif", town.terrain, "EPSG:25832", nodata=-9999)


@writer
def odm(root: Path) -> None:
    wide, near = Town(500_000, 5_800_000, 0.5, (24, 96)), Town(500_004, 5_799_998, 0.25, (32, 160))
    image = near.image(4)
    image[3] = 255
    image[:, :, :9] = 0  # outside the flight: transparent
    near.write(root / "odm_orthophoto/odm_orthophoto.tif", image, "EPSG:32633", photometric="RGB", alpha="YES")
    wide.write(root / "odm_dem/dsm.tif", wide.surface, "EPSG:32633", nodata=-9999)
    wide.write(root / "odm_dem/dtm.tif", wide.terrain, "EPSG:32633", nodata=-9999)

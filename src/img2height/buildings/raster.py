"""Building masks and polygons of a raster of any size, computed block by block."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.buildings.mask import INDEX_BANDS, cleaned, elevated, index_name, probable
from img2height.buildings.polygons import Inputs, Rules, extract_by_block
from img2height.buildings.regions import Reader, blocks_of
from img2height.io.areas import area_mask
from img2height.io.atomic import SUFFIX
from img2height.io.grid import Grid
from img2height.io.pixels import read_pixels
from img2height.io.rasters import Band, copy_to_cog, create_scratch, open_raster
from img2height.settings.protocol import Buildings
from img2height.vocabulary.layers import MISSING


@dataclass(frozen=True)
class Image:
    """The bands of an image that show vegetation.

    Attributes:
        raster: the open image.
        indexes: of these bands, from 1.
        bands: the name of each.
    """

    raster: DatasetReader
    indexes: list[int]
    bands: list[str]

    @classmethod
    def of(cls, raster: DatasetReader, bands: Sequence[str]) -> "Image | None":
        """Return the bands that show vegetation, None if the image's bands (named in order) allow no index."""
        if (name := index_name(bands)) is None:
            return None
        needed = list(INDEX_BANDS[name])
        return cls(raster, [bands.index(band) + 1 for band in needed], needed)

    def read(self, window: Window) -> np.ndarray:
        """Return these bands of a window, CxHxW float32, NaN where the image has no data."""
        values, valid = read_pixels(self.raster, self.indexes, window)
        return np.where(valid, values.astype(np.float32), np.float32(np.nan))


@dataclass(frozen=True)
class Sources:
    """The inputs of building extraction, on one grid.

    Attributes:
        grid: of all.
        height: reads heights above ground of a window, HxW float32 metres, NaN where missing.
        image: shows vegetation; None if only the height decides.
        probability: reads a method's building probability, if it predicts footprints; it then decides alone.
        ground: reads the terrain, HxW float32 metres, NaN where missing.
        wall: reads a method's probability of a wall between buildings, if it predicts walls.
    """

    grid: Grid
    height: Reader
    image: Image | None = None
    probability: Reader | None = None
    ground: Reader | None = None
    wall: Reader | None = None

    def raw_mask(self, window: Window, settings: Buildings) -> np.ndarray:
        """Return which pixels of a window may be building, HxW uint8: 1, 0, 255 missing."""
        if self.probability is not None:
            return probable(self.probability(window))
        pixels, bands = (self.image.read(window), self.image.bands) if self.image else (None, [])
        return elevated(self.height(window), pixels, bands, settings)


def extract_raster(sources: Sources, settings: Buildings, footprint: str | Path) -> geopandas.GeoDataFrame:
    """Return the buildings, see `extract`, and write the building mask as a COG: 1 building, 0 other, 255 missing.

    Args:
        sources: the inputs.
        settings: thresholds; see `footprint_mask` and `extract`.
        footprint: the COG.

    Raises:
        DataError: the coordinates are not in metres, or a raster cannot be read or written.
    """
    footprint, grid = Path(footprint), sources.grid
    with tempfile.TemporaryDirectory(dir=footprint.parent, prefix=".scratch.", suffix=SUFFIX) as folder:
        raw = Path(folder) / "raw.tif"  # read several times, and reading is faster than computing
        _write(raw, grid, lambda window: sources.raw_mask(window, settings))
        with open_raster(raw) as mask:
            write_mask(footprint, grid, cleaned(_band(mask), grid.shape, grid.gsd_m**2, settings))
    with open_raster(footprint) as mask:
        inputs = Inputs(grid, sources.height, _band(mask), sources.ground, sources.probability, sources.wall)
        return extract_by_block(inputs, Rules.of(settings))


def write_mask(path: Path, grid: Grid, compute: Callable[[Window], np.ndarray]) -> None:
    """Write a building mask as a COG block by block.

    Args:
        path: the COG; appears only when it is complete.
        grid: the pixel grid.
        compute: returns the mask of a block, HxW uint8: 1 building, 0 other, 255 missing.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".scratch.", suffix=SUFFIX) as folder:
        _write(scratch := Path(folder) / path.name, grid, compute)
        copy_to_cog(scratch, path, categorical=True)


def cut_footprint(footprint: Path, area: BaseGeometry, out: Path) -> None:
    """Write the building mask of an area as a COG, missing elsewhere.

    Args:
        footprint: the mask written by `extract_raster`.
        area: polygon in pixel coordinates; a pixel is inside if its centre is.
        out: the COG.
    """
    with open_raster(footprint) as mask:
        whole = _band(mask)
        write_mask(out, Grid.of(mask), lambda block: np.where(area_mask(area, block), whole(block), np.uint8(MISSING)))


def _write(path: Path, grid: Grid, compute: Callable[[Window], np.ndarray]) -> None:
    with create_scratch(path, grid, [Band("building")], "uint8", MISSING) as scratch:
        for block in blocks_of(grid.shape):
            scratch.write(compute(block), block)


def _band(raster: DatasetReader) -> Reader:
    return lambda window: raster.read(1, window=window)

"""The scene of height maps that are given by their paths, with an image, a reference and polygons."""

import logging
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import shapely
from affine import Affine
from rasterio.enums import Resampling
from rasterio.io import DatasetReader

from img2height.errors import DataError
from img2height.io.bands import ALPHA, stated_bands
from img2height.io.display import Picture
from img2height.io.grid import Grid
from img2height.io.projections import reproject_table
from img2height.io.rasters import open_raster
from img2height.io.values import Scaling, require_upward, stated_unit
from img2height.io.vectors import read_polygons
from img2height.io.warping import warped
from img2height.view.frame import Frame
from img2height.view.names import ends
from img2height.view.sources import Method, ShownScene, plain_reader, quantity_name
from img2height.view.tiles import Reader
from img2height.vocabulary.quantities import ABOVE_GROUND, QUANTITIES, RELATIVE
from img2height.vocabulary.units import METRES

logger = logging.getLogger(__name__)

COARSER = 1.5  # from this ratio of the pixel sizes on, pixels are averaged
MOST_REFINED = 3  # an image may have pixels of an eighth of the side of those of the heights


def open_files(
    heights: Sequence[Path], image: Path | None, reference: Path | None, buildings: Sequence[Path], stack: ExitStack
) -> ShownScene:
    """Return a scene of height maps, which are shown as methods under the names of their files.

    Args:
        heights: rasters on one grid.
        image: raster in the same coordinate system, of any pixel size.
        reference: heights on the same pixels.
        buildings: polygons of each height map, in any coordinate system; or none.
        stack: closes the rasters.

    Raises:
        DataError: a file is missing or does not fit the first height map.
    """
    if buildings and len(buildings) != len(heights):
        raise DataError(f"--buildings: found {len(buildings)} files for {len(heights)} height maps; give one for each")
    rasters = [stack.enter_context(open_raster(path)) for path in heights]
    grid, name = Grid.of(rasters[0]), str(heights[0])
    frame = Frame.of(grid, name)
    truth = None
    if reference:
        compared = stack.enter_context(open_raster(reference))
        for raster in rasters:
            _require_same_zero(raster, compared)
        truth = _reader(compared, grid, name, stack)
    key = "reference" if truth else ""
    methods = [
        Method(title, quantity_name(raster.descriptions[0]), _reader(raster, grid, name, stack), key)
        for title, raster in zip(ends([path.with_suffix("") for path in heights]), rasters, strict=True)
    ]
    if buildings:
        polygons = [_polygons(path, grid, name) for path in buildings]
        methods = [replace(method, buildings=table) for method, table in zip(methods, polygons, strict=True)]
    picture, refined = _picture(image, grid, name, stack) if image else (None, 0)
    references = {key: truth} if truth else {}
    return ShownScene(heights[0].stem, heights[0].stem, frame, methods, picture, refined, references)


def _require_same_zero(raster: DatasetReader, reference: DatasetReader) -> None:
    """Raise a DataError if one raster states heights above ground, and the other elevations."""
    own, other = raster.descriptions[0], reference.descriptions[0]
    if own not in QUANTITIES or other not in QUANTITIES or RELATIVE in (own, other):
        return
    if (own in ABOVE_GROUND) != (other in ABOVE_GROUND):
        raise DataError(
            f"{reference.name}: states {quantity_name(other)} ({other}), but {raster.name} {quantity_name(own)} "
            f"({own}); give a reference of the same quantity"
        )


def _reader(raster: DatasetReader, grid: Grid, name: str, stack: ExitStack) -> Reader:
    """Return a reader of heights in metres; a stated scale, offset and unit are applied."""
    require_upward(raster)
    unit, scaling = stated_unit(raster), Scaling.of(raster, [1])
    if unit is None:
        logger.warning("%s: does not state the unit of its heights, which are taken as metres", raster.name)
    stored, factor = plain_reader(_on_grid(raster, grid, name, stack)), METRES[unit or "metre"]
    if scaling.is_none and factor == 1:
        return stored
    return lambda window: (scaling.apply(stored(window)[None])[0] * factor).astype(np.float32)


def _on_grid(raster: DatasetReader, grid: Grid, name: str, stack: ExitStack) -> DatasetReader:
    """Return heights on a grid whose pixels are among their own; nothing is interpolated."""
    own = Grid.of(raster)
    if own.matches(grid):
        return raster
    if own.crs is None or own.crs != grid.crs or not own.aligned_with(grid):
        own.require(grid, raster.name, name)
    _require_overlap(own, grid, raster.name, name)
    return stack.enter_context(warped(raster, grid, Resampling.nearest, add_alpha=raster.nodata is None))


def _picture(path: Path, grid: Grid, name: str, stack: ExitStack) -> tuple[Picture, int]:
    """Return an image on a grid, and how often the pixels of the grid are halved to keep the details of the image."""
    raster = stack.enter_context(open_raster(path))
    own, bands = Grid.of(raster), [text or f"band {number}" for number, text in enumerate(stated_bands(raster), 1)]
    if own.matches(grid):
        return Picture.of(raster, bands), 0
    if own.crs is None or own.crs != grid.crs:
        systems = [crs.to_string() if crs else "no coordinate system" for crs in (own.crs, grid.crs)]
        raise DataError(f"{path}: is in {systems[0]}, {name} in {systems[1]}; warp one of them: gdalwarp -t_srs")
    _require_overlap(own, grid, str(path), name)
    finer = grid.gsd_m / own.gsd_m
    refined = int(np.clip(round(math.log2(finer)), 0, MOST_REFINED))
    fine = Grid(grid.crs, grid.transform @ Affine.scale(0.5**refined), grid.width << refined, grid.height << refined)
    resampling = Resampling.average if fine.gsd_m > COARSER * own.gsd_m else Resampling.bilinear
    return Picture.of(stack.enter_context(warped(raster, fine, resampling, add_alpha=True)), [*bands, ALPHA]), refined


def _require_overlap(own: Grid, grid: Grid, path: str, name: str) -> None:
    if not shapely.box(*own.bounds).intersects(shapely.box(*grid.bounds)):
        boxes = [", ".join(f"{edge:.0f}" for edge in bounds) for bounds in (own.bounds, grid.bounds)]
        raise DataError(
            f"{path}: does not overlap {name} (west, south, east, north: {boxes[0]} and {boxes[1]}); give files of one "
            "place"
        )


def _polygons(path: Path, grid: Grid, name: str) -> geopandas.GeoDataFrame:
    """Return polygons in the system of a grid; those that do not touch it are left out."""
    if grid.crs is None or not grid.crs.is_projected:
        raise DataError(f"{name}: has no map projection, so that the polygons of {path} cannot be placed on it")
    table = reproject_table(read_polygons(path, "--buildings"), grid.crs, grid.place)
    inside = table[table.intersects(shapely.box(*grid.bounds))]
    if inside.empty and len(table):
        raise DataError(f"{path}: none of its {len(table)} polygons overlaps {name}; give files of one place")
    return inside.reset_index(drop=True)

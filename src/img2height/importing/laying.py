"""Lays the files of a layer on one grid: where they lie on the map, or side by side as chips on a sheet."""

import hashlib
import logging
import math
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.importing.adapter import Pieces
from img2height.io.grid import SAME_PX, Grid
from img2height.io.mosaic_parts import Part
from img2height.io.projections import require_system
from img2height.io.rasters import open_raster

LOG = logging.getLogger(__name__)
SAME_SIZE = 1e-4  # relative; a tile of 10,000 pixels then ends within a pixel of its place
# Chips without a place are put on the Antarctic ice, where no dataset lies; the map is true to 1.5 % there.
ICE = CRS.from_epsg(32761)
WEST, SOUTH, SIDE, STEP = 2_100_000, 2_100_000, 1_200_000, 1000


class Laid(NamedTuple):
    """The files of a layer on one grid.

    Attributes:
        grid: of the mosaic.
        parts: on it.
        crs: coordinate system of the mosaic, with that of the heights if the files state it.
    """

    grid: Grid
    parts: list[Part]
    crs: CRS


def on_the_map(files: Iterable[Path], crs: str | None) -> Laid:
    """Return files where they lie on the map.

    Args:
        files: of one layer.
        crs: system of files that state none.

    Raises:
        DataError: a file has no coordinate system, or they differ in it or in the size of their pixels.
    """
    grids = {path: _own_grid(path, crs) for path in files}
    first_path, first = next(iter(grids.items()))
    with open_raster(first_path) as raster:
        stated = raster.crs or first.crs
    corners = {}
    for path, grid in grids.items():
        step = ~first.transform @ grid.transform
        if grid.crs != first.crs or not np.allclose((step.a, step.b, step.d, step.e), (1, 0, 0, 1), atol=SAME_SIZE):
            pair = ((first_path, first), (path, grid))
            found = [f"{file} ({one.crs.to_string()}, {one.gsd_m:g} m)" for file, one in pair]
            raise DataError(
                f"{' and '.join(found)} cannot be read as one mosaic; bring them to one coordinate system and pixel "
                "size, or import them as scenes of their own"
            )
        corners[path] = (step.c, step.f)
    worst = max(max(abs(x - round(x)), abs(y - round(y))) for x, y in corners.values())
    if worst > SAME_PX:
        LOG.warning("%s and others: moved by up to %.2f pixels onto one grid", first_path, worst)
    places = {path: (round(x), round(y)) for path, (x, y) in corners.items()}
    left, top = (min(place[axis] for place in places.values()) for axis in (0, 1))
    right = max(x + grids[path].width for path, (x, _) in places.items())
    bottom = max(y + grids[path].height for path, (_, y) in places.items())
    whole = first.crop(Window(left, top, right - left, bottom - top))
    return Laid(whole, [Part(path, x - left, y - top) for path, (x, y) in places.items()], stated)


def _own_grid(path: Path, crs: str | None) -> Grid:
    with open_raster(path) as raster:
        if crs is None or raster.crs is not None:
            require_system(raster.crs, str(path))
            return Grid.of(raster)
        if raster.transform.is_identity:
            raise DataError(
                f"{path}: has no place on the map; put its world file (.tfw) or the georeferenced file next to it"
            )
        return Grid(CRS.from_user_input(crs), raster.transform, raster.width, raster.height)


class Chip(NamedTuple):
    """A chip on a sheet.

    Attributes:
        name: of the chip.
        column: of its first pixel on the sheet.
        row: of its first pixel on the sheet.
        width: in pixels.
        height: in pixels.
        crs: its own coordinate system; empty if it has none.
        transform: pixel corner to coordinates in that system; empty if it has none.
    """

    name: str
    column: int
    row: int
    width: int
    height: int
    crs: str
    transform: str


class Sheet(NamedTuple):
    """Chips side by side, with gaps of their own size so that no tile shows two of them."""

    chips: list[Chip]
    columns: int
    rows: int


def lay_out(pieces: Pieces) -> Sheet:
    """Return chips in the order of their names, in rows.

    Raises:
        DataError: the layers of a chip have different sizes.
    """
    found = [_measure(name, files) for name, files in sorted(pieces.items())]
    side = max(max(chip.width, chip.height) for chip in found)
    columns = math.ceil(math.sqrt(len(found)))
    chips = [
        chip._replace(column=2 * side * (number % columns), row=2 * side * (number // columns))
        for number, chip in enumerate(found)
    ]
    return Sheet(chips, side * (2 * columns - 1), side * (2 * math.ceil(len(found) / columns) - 1))


def _measure(name: str, files: Mapping[str, Path]) -> Chip:
    with ExitStack() as stack:
        rasters = {layer: stack.enter_context(open_raster(path)) for layer, path in files.items()}
        if len({raster.shape for raster in rasters.values()}) > 1:
            found = ", ".join(f"{layer} {raster.width} x {raster.height}" for layer, raster in rasters.items())
            raise DataError(f"the layers of chip {name} have different sizes: {found} px; leave the chip out")
        first = next(iter(rasters.values()))
        return Chip(name, 0, 0, first.width, first.height, *_place(rasters.values()))


def _place(rasters: Iterable[DatasetReader]) -> tuple[str, str]:
    for raster in rasters:
        if raster.crs is not None:
            return raster.crs.to_string(), " ".join(f"{number:.10g}" for number in raster.transform[:6])
    return "", ""


def on_the_ice(dataset: str, sheets: Mapping[str, Sheet], gsd_m: Mapping[str, float]) -> dict[str, Grid]:
    """Return a grid for each sheet of a dataset; no two overlap, and those of other datasets hardly ever do.

    Args:
        dataset: name of the dataset, from which the place of the first sheet is derived.
        sheets: by scene.
        gsd_m: side of a pixel, by scene.
    """
    digest = int(hashlib.sha256(dataset.encode()).hexdigest(), 16)
    steps = SIDE // 2 // STEP
    west, top = WEST + digest % steps * STEP, SOUTH + SIDE - digest // steps % steps * STEP
    north, widest, grids = top, 0, {}
    for scene, sheet in sheets.items():
        width, height = (math.ceil(count * gsd_m[scene] / STEP + 1) * STEP for count in (sheet.columns, sheet.rows))
        if north - height < top - SIDE // 2:
            west, north, widest = west + widest, top, 0
        grids[scene] = Grid.north_up(ICE, west, north, gsd_m[scene], (sheet.rows, sheet.columns))
        north, widest = north - height, max(widest, width)
    return grids


def on_a_sheet(sheet: Sheet, pieces: Pieces, layer: str, grid: Grid) -> Laid:
    """Return the files of a layer on a sheet."""
    chips = [chip for chip in sheet.chips if layer in pieces[chip.name]]
    return Laid(grid, [Part(pieces[chip.name][layer], chip.column, chip.row) for chip in chips], grid.crs)

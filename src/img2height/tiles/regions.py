"""Splits scenes by named areas of a vector file: one region left out per fold, or fixed regions for each part."""

from itertools import combinations
from pathlib import Path

import geopandas
import pandas

from img2height.errors import DataError, FoldError
from img2height.io.grid import Grid
from img2height.io.projections import reproject_table
from img2height.io.vectors import read_polygons
from img2height.settings.parsing import meant
from img2height.settings.protocol import Regions
from img2height.tiles.areas import in_squares
from img2height.tiles.layout import PartAreas, turn
from img2height.vocabulary.parts import PARTS

MOST_OVERLAP = 0.01  # of the smaller area, because digitised borders never match exactly


def read_regions(settings: Regions) -> geopandas.GeoDataFrame:
    """Return the named areas in the CRS of their file, one row per name, with the index `name`.

    Args:
        settings: the file, the column of its names, and the names that are used.

    Raises:
        DataError: the file cannot be read, or has no CRS or no such column.
        FoldError: a name does not occur, or two named areas overlap.
    """
    frame = read_polygons(Path(settings.file), "split.regions", settings.layer)
    if settings.column not in frame:
        raise DataError(f"split.regions: {settings.file} has no column {meant(settings.column, list(frame.columns))}")
    names = frame[settings.column]
    named = geopandas.GeoDataFrame({"name": _as_text(names)}, geometry=frame.geometry.array, crs=frame.crs)
    areas = named[names.notna()].dissolve("name")
    wanted = settings.turns or [*settings.train, *settings.val, *settings.test]
    if missing := [name for name in wanted if name not in areas.index]:
        raise FoldError(f"split.regions: {settings.file} has no area {meant(missing[0], list(areas.index))}")
    areas = areas.loc[wanted]
    _refuse_overlap(areas)
    return areas


def _as_text(names: pandas.Series) -> pandas.Series:
    """Return names as text; whole numbers without a decimal point, even if a missing one made them floats."""
    if pandas.api.types.is_float_dtype(names) and (names.dropna() % 1 == 0).all():
        names = names.astype("Int64")
    return names.astype("string")


def _refuse_overlap(areas: geopandas.GeoDataFrame) -> None:
    for first, second in combinations(areas.index, 2):
        a, b = areas.geometry[first], areas.geometry[second]
        if a.intersection(b).area > MOST_OVERLAP * min(a.area, b.area):
            raise FoldError(f"split.regions: the areas {first!r} and {second!r} overlap; draw a border between them")


def divide_by_regions(grid: Grid, areas: geopandas.GeoDataFrame, settings: Regions, fold: int) -> PartAreas:
    """Return the area of each part of a scene in one fold, before any buffer; parts are squares of `SQUARE_PX`.

    Args:
        grid: the scene's grid.
        areas: the named areas, see `read_regions`.
        settings: which name is in which part.
        fold: with `turns`, the number of the name that is tested.
    """
    here = reproject_table(areas, grid.crs, grid.place).geometry
    if settings.turns:
        parts = [turn(number, fold, len(settings.turns)) for number in range(len(settings.turns))]
    else:
        parts = [part for part in PARTS for _ in getattr(settings, part)]
    pieces = [(part, grid.from_map(area)) for part, area in zip(parts, here, strict=True)]
    return in_squares(pieces, grid)

"""Brings known heights onto a height map: unit, vertical system, terrain and place."""

import logging
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import shapely
from rasterio.io import DatasetReader

from img2height.correction.control import Control
from img2height.correction.features import Map
from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.pixels import read_pixels
from img2height.io.projections import reproject, require_system
from img2height.io.values import EXACT, stated_unit
from img2height.io.verticals import Vertical, agreed_vertical, height_shift
from img2height.vocabulary.quantities import RELATIVE
from img2height.vocabulary.units import METRES

logger = logging.getLogger(__name__)

Meaning = Literal["above_ground", "elevation"]
ABOVE_GROUND, ELEVATION = "above_ground", "elevation"
POSSIBLE_M = {ABOVE_GROUND: (-100.0, 1000.0), ELEVATION: (-1000.0, 9500.0)}


@dataclass(frozen=True)
class References:
    """What heights refer to.

    Attributes:
        meaning: whether the known heights are above ground, or elevations.
        unit: a key of `METRES`; None if the file states it.
        vertical: system of known elevations, see `named_vertical`; None if the file states it.
        map_vertical: the same of the map, or of the terrain.
    """

    meaning: Meaning
    unit: str | None = None
    vertical: str | None = None
    map_vertical: str | None = None


def place(control: Control, onto: Map, refer: References, terrain: DatasetReader | None = None) -> Control:
    """Return the known heights that lie on a map, in pixel coordinates, as what the map contains, in metres.

    Args:
        control: as stored.
        onto: the map.
        refer: what the known heights refer to.
        terrain: turns elevations into heights above ground.

    Raises:
        DataError: their meaning does not fit the map, a unit or vertical system is not stated, or none is on the map.
    """
    _require_fit(control, onto, refer, terrain)
    metres = _in_metres(control, refer)
    here = _inside(replace(metres, shapes=_on_grid(metres, onto.grid)), onto)
    if refer.meaning == ABOVE_GROUND:
        return here
    if terrain is None:
        target = agreed_vertical(onto.heights.crs, refer.map_vertical, onto.heights.name)
        return replace(here, heights=here.heights + _shift(here, onto.grid, refer, target, onto.heights.name))
    target = agreed_vertical(terrain.crs, refer.map_vertical, terrain.name)
    elevations = here.heights + _shift(here, onto.grid, refer, target, terrain.name)
    above = replace(here, heights=elevations - _terrain_at(here, onto.grid, terrain))
    return above.where(np.isfinite(above.heights))


def _require_fit(control: Control, onto: Map, refer: References, terrain: DatasetReader | None) -> None:
    """Raise a DataError unless the meaning of the known heights is that of the map."""
    name, elevation = onto.heights.name, refer.meaning == ELEVATION
    if onto.quantity == RELATIVE:
        raise DataError(f"{name}: contains relative heights; only heights in metres can be corrected")
    if elevation and onto.above_ground and terrain is None:
        raise DataError(
            f"{control.path}: contains elevations, but {name} heights above ground ({onto.quantity}); give the terrain "
            "model to subtract (--terrain), or known heights above ground"
        )
    if not elevation and not onto.above_ground:
        raise DataError(
            f"{control.path}: contains heights above ground, but {name} elevations ({onto.quantity}); give known "
            "elevations"
        )
    if not elevation and (refer.vertical or refer.map_vertical or terrain):
        raise DataError("heights above ground have no vertical system: leave out --vertical, --map-vertical, --terrain")
    if elevation and not onto.above_ground and terrain is not None:
        raise DataError(f"{name}: contains elevations ({onto.quantity}), so no terrain is needed: leave out --terrain")


def _in_metres(control: Control, refer: References) -> Control:
    """Return known heights in metres, without those that are missing."""
    stated = _stated_unit(control)
    if refer.unit and stated and refer.unit != stated:
        raise DataError(f"{control.path}: --unit is {refer.unit}, but the file states {stated}; leave out --unit")
    if (unit := refer.unit or stated) is None:
        raise DataError(
            f"{control.path}: the unit of the heights is not stated; give --unit, one of {', '.join(METRES)}"
        )
    valid = np.isfinite(control.heights)
    if not valid.any():
        raise DataError(f"{control.path}: none of {valid.size} known heights is a number; check the column")
    if not valid.all():
        logger.warning("%s: %d of %d heights are missing and left out", control.path, (~valid).sum(), valid.size)
    metres = replace(control, heights=control.heights * METRES[unit]).where(valid)
    _require_possible(metres, refer.meaning)
    return metres


def _require_possible(control: Control, meaning: Meaning) -> None:
    """Raise a DataError if a height cannot be one, such as -9999 for a missing one."""
    low, high = POSSIBLE_M[meaning]
    wrong = np.flatnonzero((control.heights < low) | (control.heights > high))
    if len(wrong):
        raise DataError(
            f"{control.path}: {len(wrong)} of {len(control.heights)} known heights are not possible, the first is "
            f"{control.heights[wrong[0]]:.8g} m (from {low:g} to {high:g} m are); leave missing heights empty, or "
            "check the unit"
        )


def _stated_unit(control: Control) -> str | None:
    """Return the unit of the vertical axis of the coordinate system, a key of `METRES`."""
    axes = [axis for axis in control.crs.axis_info if axis.direction in ("up", "down")]
    factors = [axis.unit_conversion_factor for axis in axes]
    return next((unit for unit, metres in METRES.items() if factors and abs(metres / factors[0] - 1) < EXACT), None)


def _on_grid(control: Control, grid: Grid) -> np.ndarray:
    """Return points or polygons in the pixel coordinates of a grid."""
    placed = reproject(control.shapes, control.crs, grid.crs, grid.place)
    if not np.isfinite(shapely.bounds(placed)).all():
        raise DataError(
            f"{control.path}: {_box(*shapely.total_bounds(control.shapes))} are not coordinates of "
            f"{control.crs.to_string()}: check --crs"
        )
    return grid.from_map(placed)


def _inside(control: Control, onto: Map) -> Control:
    """Return what lies on the map."""
    inside = shapely.within(control.shapes, onto.grid.extent)
    if not inside.any():
        found = _box(*shapely.total_bounds(onto.grid.to_map(control.shapes)))
        raise DataError(
            f"{control.path}: none of {inside.size} known heights lies on {onto.heights.name}; they cover {found}, the "
            f"map {_box(*onto.grid.bounds)}: check --crs"
        )
    if not inside.all():
        logger.warning("%s: %d of %d heights lie outside the map", control.path, (~inside).sum(), inside.size)
    return control.where(inside)


def _box(west: float, south: float, east: float, north: float) -> str:
    return f"x {west:.8g} to {east:.8g}, y {south:.8g} to {north:.8g}"


def _shift(control: Control, grid: Grid, refer: References, target: Vertical | None, name: str) -> np.ndarray | float:
    """Return what is added to known elevations so that they refer to another vertical system."""
    source = agreed_vertical(control.crs, refer.vertical, str(control.path))
    for system, where, option in ((source, control.path, "--vertical"), (target, name, "--map-vertical")):
        if system is None:
            raise DataError(
                f"{where}: the vertical system of its elevations is not stated; give {option}, e.g. EPSG:5703"
            )
    if source is None or target is None or (shift := height_shift(source, target, grid.crs, grid.place)) is None:
        return 0.0
    places = shapely.get_coordinates(shapely.point_on_surface(grid.to_map(control.shapes)))
    return shift.at_places(places[:, 0], places[:, 1])


def _terrain_at(control: Control, grid: Grid, terrain: DatasetReader) -> np.ndarray:
    """Return the elevation of the terrain at known heights, N float64 metres; NaN where it is missing."""
    if (unit := stated_unit(terrain)) is None:
        raise DataError(f"{terrain.name}: states no unit; write it into the file: rio edit-info --bidx 1 --units metre")
    require_system(terrain.crs, terrain.name)
    own = Grid.of(terrain)
    points = shapely.get_coordinates(grid.seen_from(own, shapely.point_on_surface(control.shapes)))
    columns, rows = np.floor(points).astype(np.int64).T
    inside = np.flatnonzero((rows >= 0) & (rows < own.height) & (columns >= 0) & (columns < own.width))
    found = np.full(len(points), np.nan)
    for block, places in own.blocks_with(rows[inside], columns[inside]):
        pixels = rows[inside][places] - block.row_off, columns[inside][places] - block.col_off
        values, valid = read_pixels(terrain, [1], block)
        found[inside[places]] = np.where(valid, values[0], np.nan)[pixels] * METRES[unit]
    return found

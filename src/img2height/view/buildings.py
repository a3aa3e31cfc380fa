"""Building polygons for the page: outlines in pixels of the scene, and heights from the rasters inside them."""

from typing import Any

import geopandas
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.heights import is_valid
from img2height.io.areas import area_mask, area_window
from img2height.io.grid import Grid
from img2height.view.tiles import Reader

PER_PIXEL = 100  # outlines are rounded to a hundredth of a pixel
MILLIMETRES = 3


def encoded_buildings(buildings: geopandas.GeoDataFrame, grid: Grid, columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return polygons and their values by column; missing values are null.

    Args:
        buildings: polygons in map coordinates.
        grid: of the scene.
        columns: a number per building in each, NaN where missing.
    """
    outlines = grid.from_map(buildings.geometry.to_numpy())
    lists = {name: encoded_numbers(values) for name, values in columns.items()}
    return {"outlines": [_rings(outline) for outline in outlines], **lists}


def encoded_numbers(values: np.ndarray) -> list[float | None]:
    """Return numbers rounded to the millimetre, None where they are NaN."""
    return [None if np.isnan(value) else round(float(value), MILLIMETRES) for value in values]


def medians(buildings: geopandas.GeoDataFrame, grid: Grid, read: Reader) -> np.ndarray:
    """Return the median of the heights whose pixel centres lie inside each polygon, N float64 metres, NaN if none does.

    Args:
        buildings: polygons in map coordinates.
        grid: of the heights.
        read: returns the heights of a window, HxW metres, NaN where missing.
    """
    return np.array([_median(outline, grid, read) for outline in grid.from_map(buildings.geometry.to_numpy())], float)


def _median(outline: BaseGeometry, grid: Grid, read: Reader) -> float:
    window = grid.clip(area_window(outline))
    if not window.width or not window.height:
        return np.nan
    inside = read(window)[area_mask(outline, window)]
    inside = inside[is_valid(inside)]
    return float(np.median(inside)) if inside.size else np.nan


def _rings(outline: BaseGeometry) -> list[list[list[int]]]:
    """Return the polygons of an outline as rings x, y, x, y, ... in hundredths of a pixel, the outer ring first."""
    polygons = [part for part in shapely.get_parts(outline) if part.geom_type == "Polygon"]
    return [[_numbers(ring) for ring in (part.exterior, *part.interiors)] for part in polygons]


def _numbers(ring: shapely.LinearRing) -> list[int]:
    points = shapely.get_coordinates(ring) * PER_PIXEL
    return np.rint(points).astype(int).ravel().tolist()

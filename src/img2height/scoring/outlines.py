"""Heights inside given outlines, from rasters of any size."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas
import shapely
from pandas.api.typing import SeriesGroupBy
from rasterio.windows import Window

from img2height.buildings.attributes import INSIDE_PX, eroded
from img2height.heights import is_valid
from img2height.io.areas import area_window, burn
from img2height.io.grid import Grid

BLOCK_PX = 1024  # outlines that begin in one block are read together

Reader = Callable[[Window], np.ndarray]  # reads the heights of a window, HxW metres, NaN or -9999 where missing


def outline_heights(outlines: np.ndarray, grid: Grid, heights: Mapping[str, Reader]) -> dict[str, pandas.DataFrame]:
    """Return `height_m` and `volume_m3` inside each outline, NaN without a valid pixel; one table per raster.

    As in the predicted table, the height is the median of the pixels whose eight neighbours are inside too, if there
    are enough (see `measure`), and the volume is the mean of all pixels inside times the area of the outline. Memory
    holds the outlines and the pixels of one block, or of the largest building.

    Args:
        outlines: N polygons in map coordinates, metres.
        grid: of the rasters.
        heights: by name.
    """
    found = {name: np.full((len(outlines), 2), np.nan) for name in heights}
    places = np.asarray(grid.from_map(outlines), dtype=object)
    for members, window in _windows(places, grid):
        labels = burn([(places[k], number) for number, k in enumerate(members, start=1)], window, "int32")
        for name, read in heights.items():
            found[name][members] = _measured(labels, read(window), len(members))
    area_m2 = shapely.area(outlines)
    return {
        name: pandas.DataFrame({"height_m": values[:, 0], "volume_m3": values[:, 1] * area_m2})
        for name, values in found.items()
    }


def _windows(places: np.ndarray, grid: Grid) -> Iterator[tuple[np.ndarray, Window]]:
    """Yield the positions of outlines that begin in one block, and the window that contains all of them.

    One that overlaps another is on its own, because a pixel has one label.
    """
    bounds = shapely.bounds(places)
    _, block = np.unique(bounds[:, :2] // BLOCK_PX, axis=0, return_inverse=True)
    alone = _overlapping(places)
    block[alone] = block.max(initial=-1) + 1 + np.arange(len(alone))
    order = np.argsort(block, kind="stable")
    for members in filter(len, np.split(order, np.flatnonzero(np.diff(block[order])) + 1)):
        west, north, _, _ = bounds[members].min(axis=0)
        _, _, east, south = bounds[members].max(axis=0)
        yield members, grid.clip(area_window(shapely.box(west, north, east, south)))


def _overlapping(places: np.ndarray) -> np.ndarray:
    """Return the positions of the outlines that share more than their walls with another."""
    tree = shapely.STRtree(places)
    first, second = tree.query(places, predicate="intersects")
    pairs = np.stack([first, second])[:, first != second]
    shared = ~shapely.touches(places[pairs[0]], places[pairs[1]])
    return np.unique(pairs[0, shared])


def _measured(labels: np.ndarray, heights: np.ndarray, count: int) -> np.ndarray:
    """Return the median of the inside and the mean of all valid heights of each label from 1 on, Nx2."""
    inside, everywhere = _by_label(eroded(labels), heights), _by_label(labels, heights)
    medians = inside.median().where(inside.size() >= INSIDE_PX)
    columns = [values.reindex(range(1, count + 1)) for values in (medians, everywhere.mean())]
    return np.stack(columns, axis=1)


def _by_label(labels: np.ndarray, heights: np.ndarray) -> "SeriesGroupBy[float, int]":
    counts = (labels > 0) & is_valid(heights)
    return pandas.Series(heights[counts].astype(np.float64)).groupby(labels[counts])

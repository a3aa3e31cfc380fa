"""Heights inside given outlines, from rasters of any size."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas
import shapely
from rasterio.windows import Window

from img2height.heights import is_valid
from img2height.io.areas import area_window, burn
from img2height.io.grid import Grid

BLOCK_PX = 1024  # outlines that begin in one block are read together

Reader = Callable[[Window], np.ndarray]  # reads the heights of a window, HxW metres, NaN or -9999 where missing


def outline_heights(outlines: np.ndarray, grid: Grid, heights: Mapping[str, Reader]) -> dict[str, pandas.DataFrame]:
    """Return `height_m` and `volume_m3` inside each outline, NaN without a valid pixel; one table per raster.

    The height is the median of the valid pixels whose centres are inside; the volume is their mean times the area of
    the outline. Memory holds the outlines and the pixels of one block, or of the largest building.

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
            found[name][members] = _medians_and_means(labels, read(window), len(members))
    area_m2 = shapely.area(outlines)
    return {
        name: pandas.DataFrame({"height_m": values[:, 0], "volume_m3": values[:, 1] * area_m2})
        for name, values in found.items()
    }


def _windows(places: np.ndarray, grid: Grid) -> Iterator[tuple[np.ndarray, Window]]:
    """Yield the positions of outlines that begin in one block, and the window that contains all of them."""
    bounds = shapely.bounds(places)
    _, block = np.unique(bounds[:, :2] // BLOCK_PX, axis=0, return_inverse=True)
    for number in range(block.max(initial=-1) + 1):
        members = np.flatnonzero(block == number)
        west, north, _, _ = bounds[members].min(axis=0)
        _, _, east, south = bounds[members].max(axis=0)
        yield members, grid.clip(area_window(shapely.box(west, north, east, south)))


def _medians_and_means(labels: np.ndarray, heights: np.ndarray, count: int) -> np.ndarray:
    """Return median and mean of the valid heights of each label from 1 on, Nx2, NaN where there are none."""
    counts = (labels > 0) & is_valid(heights)
    groups = pandas.Series(heights[counts].astype(np.float64)).groupby(labels[counts])
    return groups.agg(["median", "mean"]).reindex(range(1, count + 1)).to_numpy()

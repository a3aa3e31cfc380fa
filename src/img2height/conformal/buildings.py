"""The intervals of building heights, as columns of their table."""

from collections.abc import Sequence

import geopandas
import numpy as np
import shapely

from img2height.conformal.calibration import LEVEL
from img2height.conformal.raster import Calibrated
from img2height.io.grid import Grid

LOW, HIGH = "height_low_m", "height_high_m"


def with_bounds(frame: geopandas.GeoDataFrame, grid: Grid, folds: Sequence[Calibrated]) -> geopandas.GeoDataFrame:
    """Return buildings with the columns `height_low_m` and `height_high_m`, the 90 % interval of `height_m`.

    They follow `height_m`, and are missing (NaN) where it is, and where the calibration has no margin for it.

    Args:
        frame: as returned by `extract`.
        grid: of the heights.
        folds: the calibration of each area; a building belongs to the area with the point inside it.
    """
    height_m = frame["height_m"].to_numpy(np.float64)
    points = shapely.point_on_surface(np.asarray(grid.from_map(frame.geometry.to_numpy()), dtype=object))
    margins = np.full((2, len(frame)), np.nan)
    for fold in folds:
        inside = np.ones(len(frame), bool) if fold.area is None else shapely.intersects(fold.area, points)
        margins[:, inside] = fold.calibration.building_margins(height_m[inside], LEVEL)
    least_m = np.minimum(height_m, 0)  # a surface below its terrain keeps its interval
    bounds = {LOW: np.maximum(height_m - margins[0], least_m), HIGH: height_m + margins[1]}
    place = list(frame.columns).index("height_m") + 1
    return frame.assign(**bounds)[[*frame.columns[:place], LOW, HIGH, *frame.columns[place:]]]

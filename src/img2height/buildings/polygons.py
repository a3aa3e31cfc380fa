"""Building polygons with heights from a footprint mask."""

import math
from dataclasses import dataclass

import geopandas
import numpy as np
import pandas
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window
from scipy.ndimage import label, maximum_filter

from img2height.buildings.attributes import MEAN, MEASURED, measure, nan_if_missing
from img2height.buildings.outlines import REACH, outlines_of
from img2height.buildings.regions import Reader, find_regions, first_pixels
from img2height.buildings.split import Evidence, split
from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.projections import require_metres
from img2height.settings.protocol import Buildings
from img2height.vocabulary.layers import MISSING

COLUMNS = {
    "building_id": "int64",
    **MEASURED,
    "area_m2": "float64",
    "volume_m3": "float64",
    "touches_edge": "bool",
    "outline": "str",
}
LARGEST_GROUP_PX = 2**26  # read at once, in about 6 GB


@dataclass(frozen=True)
class Inputs:
    """What buildings are made from, on one grid.

    Attributes:
        grid: of the whole raster.
        height: reads the heights above ground of a window, HxW metres, NaN or -9999 where missing.
        footprint: reads the mask of a window, HxW, 1 or true is building, 255 missing.
        ground: reads the terrain heights of a window, HxW metres; None if there are none.
        probability: reads the building probability of a method; None if it predicts none.
        wall: reads the probability of a wall between buildings, which then decides alone; None if there is none.
    """

    grid: Grid
    height: Reader
    footprint: Reader
    ground: Reader | None = None
    probability: Reader | None = None
    wall: Reader | None = None

    def is_building(self, window: Window) -> np.ndarray:
        """Return the building pixels of a window, HxW bool."""
        return np.asarray(self.footprint(window)) == 1


@dataclass(frozen=True)
class Rules:
    """How buildings are made, see `extract`.

    Attributes:
        split_step_m: smallest step in height between buildings; None does not divide regions.
        min_area_m2: smallest part of a region.
        simplify_m: tolerance of the outlines.
    """

    split_step_m: float | None
    min_area_m2: float
    simplify_m: float

    @classmethod
    def of(cls, settings: Buildings) -> "Rules":
        """Return the rules of the protocol."""
        step = settings.split_step_m if settings.split == "height" else None
        return cls(step, settings.min_area_m2, settings.simplify_m)


def extract(
    height: np.ndarray,
    footprint: np.ndarray,
    transform: Affine,
    crs: CRS,
    *,
    split_step_m: float | None = None,
    min_area_m2: float = 20.0,
    simplify_m: float = 1.0,
    ground: np.ndarray | None = None,
    probability: np.ndarray | None = None,
    wall: np.ndarray | None = None,
) -> geopandas.GeoDataFrame:
    """Return one row per building, in the order of their first pixels, row by row; polygons are valid, none overlap.

    A building is a region of mask pixels that share edges, or a part of one. See `measure` for the columns of heights,
    terrain, probability and roof. `area_m2` is the area of the polygon, `volume_m3` this times the mean height of the
    valid pixels, `outline` what was done to it (`pixels`, `simplified` or `regularised`). `touches_edge`: a pixel of
    the building is at the edge of the raster, or shares an edge with a missing pixel.

    Args:
        height: HxW heights above ground in metres, NaN or -9999 where missing.
        footprint: HxW, 1 or true is building, 255 missing.
        transform: pixel corner to map coordinates.
        crs: projected, axes in metres.
        split_step_m: regions are divided where the height steps by so much; see `split`. None keeps them whole.
        min_area_m2: smallest part into which a region is divided.
        simplify_m: see `outlines_of`; 0 keeps the outline of the pixels.
        ground: HxW terrain heights in metres, NaN or -9999 where missing; None if there are none.
        probability: HxW building probability of a method; None if it predicts none.
        wall: HxW probability of a wall between buildings, which then divides them alone; None if there is none.

    Raises:
        DataError: the shapes differ, or the coordinates are not in metres.
    """
    further = {"ground": ground, "probability": probability, "wall": wall}
    for what, array in (("footprint", footprint), *further.items()):
        if array is not None and array.shape != height.shape:
            raise DataError(
                f"the {what} has the shape {array.shape}, the heights {height.shape}; bring both to one grid"
            )
    grid = Grid(crs, transform, height.shape[1], height.shape[0])
    readers = {name: None if array is None else _reader(array) for name, array in further.items()}
    inputs = Inputs(grid, _reader(height), _reader(footprint), **readers)
    return extract_by_block(inputs, Rules(split_step_m, min_area_m2, simplify_m))


def extract_by_block(inputs: Inputs, rules: Rules) -> geopandas.GeoDataFrame:
    """Return the buildings of a raster of any size, as `extract`; memory holds a few blocks, or the largest group.

    A group are the buildings so close to each other that their outlines could meet. It is read as a whole, and its
    outlines depend on its pixels alone, so that the result is the same for any blocks.

    Args:
        inputs: what the buildings are made from.
        rules: how.

    Raises:
        DataError: the coordinates are not in metres.
    """
    grid = inputs.grid
    require_metres(grid.crs)
    margin = max(math.ceil(REACH * rules.simplify_m / grid.gsd_m), 1)

    def near(window: Window) -> np.ndarray:
        wide, inside = grid.around(window, margin)
        return np.asarray(maximum_filter(inputs.is_building(wide), 2 * margin + 1, mode="constant")[inside])

    parts = []
    for window, first in find_regions(near, grid.shape).windows():
        _require_readable(window)
        group = _chosen(near(window), first, window, grid.width)
        mask, height = np.asarray(inputs.footprint(window)), nan_if_missing(inputs.height(window))
        further = (inputs.ground, inputs.probability, inputs.wall)
        ground, probability, wall = (read and nan_if_missing(read(window)) for read in further)
        labels, _ = label((mask == 1) & (group > 0))
        if rules.split_step_m is not None:
            evidence = Evidence(height, probability, wall)
            labels = split(labels, evidence, grid.gsd_m, rules.split_step_m, rules.min_area_m2)
        polygons, outline = outlines_of(labels, group, window, grid, rules.simplify_m)
        values = measure(labels, len(polygons), height, grid.gsd_m, ground, probability)
        parts.append(
            values.assign(
                first=_first_in_raster(labels, window, grid.width), outline=outline,
                polygon=shapely.to_wkb(shapely.normalize(polygons)),  # a fifth of the memory of the polygon itself
                touches_edge=_touching(labels, mask, window, grid.shape),
            )
        )  # fmt: skip
    return _table(
        pandas.concat(parts) if parts else pandas.DataFrame(columns=[*COLUMNS, MEAN, "first", "polygon"]), grid
    )


def _reader(array: np.ndarray) -> Reader:
    return lambda window: np.asarray(array)[window.toslices()]


def _require_readable(window: Window) -> None:
    """Raise a DataError if a group of buildings is too large to be read as a whole."""
    if window.width * window.height > LARGEST_GROUP_PX:
        raise DataError(
            f"buildings too close to be outlined separately fill a window of {window.width} x {window.height} pixels "
            f"from column {window.col_off} and row {window.row_off}; at most {LARGEST_GROUP_PX:,} pixels can be read "
            "at once. Check that the heights are above ground, or raise buildings.min_height_m; in dense cities, lower "
            "buildings.simplify_m"
        )


def _first_in_raster(labels: np.ndarray, window: Window, width: int) -> np.ndarray:
    """Return the first pixel of each label from 1 on, counted row by row over the raster."""
    rows, columns = np.divmod(first_pixels(labels)[1:], labels.shape[1])
    return (rows + window.row_off) * width + columns + window.col_off


def _touching(labels: np.ndarray, mask: np.ndarray, window: Window, shape: tuple[int, int]) -> np.ndarray:
    """Return whether a pixel of each label from 1 on is at the edge of the raster or beside a missing one, bool."""
    missing = np.pad(mask == MISSING, 1)
    missing[0] |= window.row_off == 0
    missing[:, 0] |= window.col_off == 0
    missing[-1] |= window.row_off + window.height == shape[0]
    missing[:, -1] |= window.col_off + window.width == shape[1]
    beside = missing[:-2, 1:-1] | missing[2:, 1:-1] | missing[1:-1, :-2] | missing[1:-1, 2:]
    return np.bincount(labels[beside], minlength=labels.max(initial=0) + 1)[1:] > 0


def _chosen(mask: np.ndarray, first: np.ndarray, window: Window, width: int) -> np.ndarray:
    """Return the regions of a window that start at these pixels as 1, 2, ..., and all others as 0, HxW int32."""
    labels, found = label(mask)
    rows, columns = np.divmod(first, width)
    numbers = np.zeros(found + 1, np.int32)
    numbers[labels[rows - window.row_off, columns - window.col_off]] = np.arange(1, len(first) + 1)
    return numbers[labels]


def _table(parts: pandas.DataFrame, grid: Grid) -> geopandas.GeoDataFrame:
    """Return the buildings in the order of their first pixels, with polygons in map coordinates."""
    parts = parts.sort_values("first", ignore_index=True)
    polygons = shapely.from_wkb(parts.pop("polygon").to_numpy(dtype=object))
    areas = shapely.area(polygons)
    parts = parts.assign(building_id=parts.index + 1, area_m2=areas, volume_m3=areas * parts[MEAN])
    frame = parts[list(COLUMNS)].astype(COLUMNS)
    return geopandas.GeoDataFrame(frame, geometry=geopandas.GeoSeries(polygons, crs=grid.crs), crs=grid.crs)

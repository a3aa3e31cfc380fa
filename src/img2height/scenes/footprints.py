"""Reference building footprints: clipped to the grid of a scene, and burnt into masks that were not delivered."""

import tempfile
from pathlib import Path

import geopandas
import numpy as np
import pandas
import shapely
from shapely import box

from img2height.errors import DataError
from img2height.io.areas import burn, window_box
from img2height.io.grid import Grid
from img2height.io.projections import reproject_table
from img2height.io.rasters import Band, copy_to_cog, create_scratch, height_band
from img2height.io.vectors import numbers, polygon_parts, read_polygons
from img2height.settings.dataset import Layer
from img2height.vocabulary.layers import MISSING, NODATA
from img2height.vocabulary.quantities import BUILDINGS
from img2height.vocabulary.units import METRES

TALLEST_M = 1000.0  # the world's tallest building has 828 m
WALL_M = 1.0  # pixels so near to the outlines of two buildings are at a wall between them
OFF_CENTRE_PX = 1e-6  # more than the rounding of map coordinates, far less than a pixel


def read_footprints(layer: Layer, raw: Path, grid: Grid) -> geopandas.GeoDataFrame:
    """Return the footprints in the extent of a grid, in its CRS: building_id, height_m (if available), geometry.

    Args:
        layer: the declaration in the dataset file; any vector format that GDAL reads.
        raw: folder of the delivered files.
        grid: the grid of the scene; footprints are clipped at its border.

    Raises:
        DataError: the file is missing, not a vector file, has no CRS or not the declared column, or lies elsewhere.
    """
    path = raw / layer.path
    frame = read_polygons(path, "building_polygons", layer.layer)
    moved = reproject_table(frame, grid.crs, grid.place)
    shifted = moved.translate(*layer.shift_m).to_numpy()
    moved = moved.set_geometry(geopandas.GeoSeries(polygon_parts(shifted), crs=grid.crs))
    ground = box(*grid.bounds)
    if len(moved) and not ground.intersects(box(*moved.total_bounds)):
        raise DataError(
            f"{path}: no building footprint lies in the extent of the image ({grid.crs.to_string()}); "
            "check the file and its CRS"
        )
    table = geopandas.GeoDataFrame({"building_id": _identifiers(frame)}, geometry=moved.geometry.array, crs=grid.crs)
    if (heights := _heights(frame, layer, path)) is not None:
        table.insert(1, "height_m", heights)
    inside = table.clip(ground, keep_geom_type=True).sort_values("building_id", ignore_index=True)
    return inside[inside.area > 0].reset_index(drop=True)


def _identifiers(frame: geopandas.GeoDataFrame) -> np.ndarray:
    """Return the delivered building_id if it is a unique whole number, else numbers from 1 in file order."""
    given = frame.get("building_id")
    if given is not None and pandas.api.types.is_integer_dtype(given) and given.is_unique:
        return given.to_numpy(np.int64)
    return np.arange(1, len(frame) + 1, dtype=np.int64)


def _heights(frame: geopandas.GeoDataFrame, layer: Layer, path: Path) -> np.ndarray | None:
    """Return the heights of the buildings in metres, float64 with NaN where missing; None without such a column."""
    column = layer.height_column or "height_m"
    if column not in frame:
        if layer.height_column is None:
            return None
        columns = ", ".join(frame.columns.drop([frame.geometry.name]))
        raise DataError(f"{path}: building_polygons has no column {column!r}; it has: {columns}")
    if layer.unit is None and not column.endswith("_m"):
        raise DataError(f"{path}: the unit of the column {column!r} is missing; declare it, e.g. unit: metre")
    heights = numbers(frame[column], f"{path}, column {column}")
    if layer.nodata is not None:
        heights = np.where(heights == layer.nodata, np.nan, heights)
    heights_m = heights * METRES[layer.unit or "metre"]
    if (strange := heights[(heights_m < 0) | (heights_m > TALLEST_M)]).size:
        raise DataError(
            f"{path}: column {column!r} holds implausible heights, e.g. {strange[0]:g} ({strange.size} times), not 0 "
            f"to {TALLEST_M:g} m: if that means missing, declare nodata: {strange[0]:g}, else correct unit or values"
        )
    return heights_m


def burn_footprints(footprints: geopandas.GeoDataFrame, grid: Grid, path: Path) -> None:
    """Write the building mask of footprints as a COG: 1 where a pixel centre lies in a building, 0 elsewhere.

    Centres on an edge belong to the building east or south of it, so that houses whose corners are pixel centres keep
    their area and neighbours share no pixel; GDAL would burn such rows on both sides.
    """
    _burn_mask(_outlines(footprints, grid), grid, path)


def burn_heights(footprints: geopandas.GeoDataFrame, grid: Grid, path: Path) -> None:
    """Write the heights of buildings as a COG: metres where a pixel centre lies in one, 0 elsewhere.

    Args:
        footprints: with the column height_m; where it is missing, the pixels of the building are missing too.
        grid: of the scene.
        path: the COG.

    Raises:
        DataError: there are no heights.
    """
    if "height_m" not in footprints:
        raise DataError("ndsm: the building polygons have no heights; declare their column, e.g. height_column: height")
    heights = footprints["height_m"].fillna(NODATA).to_numpy(np.float32)
    _burn(_outlines(footprints, grid), heights, grid, path, (height_band(BUILDINGS), NODATA))


def burn_walls(footprints: geopandas.GeoDataFrame, grid: Grid, path: Path) -> None:
    """Write the walls between buildings as a COG: 1 where a pixel centre is near the outlines of two, 0 elsewhere.

    A wall is 2 * `WALL_M` wide, at least two pixels, so that a network can learn it, and includes narrow alleys. The
    outlines count, not the areas: otherwise all of a building that is drawn twice would be wall.
    """
    near = shapely.buffer(shapely.boundary(footprints.geometry.to_numpy()), max(WALL_M, grid.gsd_m))
    one, other = shapely.STRtree(near).query(near, predicate="intersects")
    one, other = one[one < other], other[one < other]
    _burn_mask(grid.from_map(shapely.intersection(near[one], near[other])), grid, path)


def _outlines(footprints: geopandas.GeoDataFrame, grid: Grid) -> np.ndarray:
    """Return footprints in pixel coordinates, with edges that run through no pixel centre."""
    return shapely.transform(grid.from_map(footprints.geometry.to_numpy()), lambda xy: xy + OFF_CENTRE_PX)


def _burn_mask(areas: np.ndarray, grid: Grid, path: Path) -> None:
    """Write a mask as a COG: 1 where a pixel centre lies in an area, in pixel coordinates, 0 elsewhere."""
    _burn(areas, np.ones(len(areas), np.uint8), grid, path, (Band(path.stem), MISSING))


def _burn(areas: np.ndarray, values: np.ndarray, grid: Grid, path: Path, form: tuple[Band, float]) -> None:
    """Write one value per area, in pixel coordinates, and 0 elsewhere, as a COG with this band and nodata."""
    tree, dtype = shapely.STRtree(areas), str(values.dtype)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".burn.") as folder:
        scratch = Path(folder) / path.name
        with create_scratch(scratch, grid, [form[0]], dtype, form[1]) as out:
            for block in grid.blocks():
                near = sorted(tree.query(window_box(block)))
                out.write(burn([(areas[index], values[index].item()) for index in near], block, dtype), block)
        copy_to_cog(scratch, path, categorical=True)

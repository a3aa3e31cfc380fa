"""Point clouds as delivered: checked together before anything is made from them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from img2height.errors import DataError
from img2height.io.atomic import atomic_folder
from img2height.io.clouds import Cloud, Stated, check_cloud, clouds_in
from img2height.io.grid import Grid
from img2height.io.projections import metres_per_unit, require_system, require_true_scale
from img2height.io.rasters import open_raster
from img2height.io.verticals import Vertical, height_shift
from img2height.scenes.above_ground import subtract_terrain
from img2height.scenes.buckets import DIGITS
from img2height.scenes.points import grid_points
from img2height.settings.ground import GroundFilter, PointRules


def grid_clouds(
    paths: Sequence[Path], out: Path, rules: PointRules, terrain: GroundFilter | None, stated: Stated, *,
    pixel_m: float | None = None, like: Path | None = None,
) -> list[str]:  # fmt: skip
    """Write dsm.tif, dtm.tif, dtm_filled.tif and ndsm.tif of point clouds, and return their names.

    Args:
        paths: files, or folders of them.
        out: the folder; appears only when it is complete.
        rules: see `grid_points`.
        terrain: settings of the filter of points without classes; None if they are classified.
        stated: what the files do not state themselves.
        pixel_m: side of a pixel; the grid is along the axes of the coordinate system of the first file.
        like: raster whose grid is taken instead.

    Raises:
        DataError: see `check_clouds` and `grid_points`.
    """
    clouds = check_clouds(paths, stated)
    grid = own_grid(clouds, pixel_m) if pixel_m else _grid_of(like) if like else None
    if grid is None:
        raise DataError("give either the side of a pixel or a raster with the wanted grid")
    require_true_scale(grid.crs, grid.bounds, str(like or clouds[0].path))
    with atomic_folder(out) as made:
        grid_points(clouds, grid, rules, terrain or True, made)
        subtract_terrain(made, grid, any_level=False)
        return sorted(path.name for path in made.iterdir())


def check_clouds(paths: Sequence[Path], stated: Stated) -> list[Cloud]:
    """Return the checked point clouds of files and folders.

    Raises:
        DataError: one of them cannot be used, or their heights refer to different vertical systems.
    """
    files = dict.fromkeys(file.resolve() for path in paths for file in clouds_in(path))
    clouds = [check_cloud(file, stated) for file in files]
    systems = {cloud.vertical.name if cloud.vertical else "": cloud for cloud in clouds}
    if len(systems) > 1:
        found = ", ".join(f"{cloud.path} {name or 'states none'}" for name, cloud in systems.items())
        raise DataError(
            f"the heights of point clouds refer to different vertical systems: {found}; convert them to one"
        )
    return clouds


def converted_clouds(clouds: Sequence[Cloud], target: Vertical, grid: Grid) -> list[Cloud]:
    """Return point clouds with the conversion of their heights to a vertical system.

    Raises:
        DataError: a cloud states none and none is declared, or PROJ cannot convert it.
    """
    if lacking := next((cloud for cloud in clouds if cloud.vertical is None), None):
        raise DataError(
            f"{lacking.path}: its heights cannot be converted to {target.name}, because their vertical system is "
            "neither stated nor declared; declare it for the points, e.g. vertical: EPSG:7837"
        )
    return [
        replace(cloud, shift=height_shift(cloud.vertical, target, cloud.crs, grid.place), converted=target.name)
        for cloud in clouds
        if cloud.vertical
    ]


def own_grid(clouds: Sequence[Cloud], pixel_m: float) -> Grid:
    """Return a north-up grid in the system of the first cloud that contains all of them.

    Its borders are whole multiples of the pixel size, so that grids of neighbouring deliveries fit together.

    Raises:
        DataError: the clouds are in different systems.
    """
    crs = clouds[0].crs
    if other := next((cloud for cloud in clouds if cloud.crs != crs), None):
        found = [f"{cloud.path} ({cloud.crs.to_string()[:60]})" for cloud in (clouds[0], other)]
        raise DataError(
            f"{' and '.join(found)} are in different coordinate systems; give a raster with the wanted grid (--like)"
        )
    side = pixel_m / metres_per_unit(crs)
    west, south = (round(min(cloud.bounds[edge] for cloud in clouds) / side, DIGITS) for edge in (0, 1))
    east, north = (round(max(cloud.bounds[edge] for cloud in clouds) / side, DIGITS) for edge in (2, 3))
    # A point on the border of pixels lies in the one to the east or south, see `divide_points`.
    left, top = math.floor(west), math.ceil(north)
    shape = top - math.ceil(south) + 1, math.floor(east) + 1 - left
    return Grid.north_up(crs, left * side, top * side, side, shape)


def _grid_of(raster: Path) -> Grid:
    with open_raster(raster) as dataset:
        require_system(dataset.crs, str(raster))
        return Grid.of(dataset)

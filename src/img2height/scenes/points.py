"""Surface and terrain models from point clouds: each point is read once, then the grid is computed block by block.

Points are first divided among the blocks of the grid, on disk. Within a block they are ordered by pixel and height, so
that neither the order of the points, nor that of the files, nor the size of the blocks changes a bit of the result.
"""

import logging
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from img2height.errors import DataError
from img2height.io.clouds import Cloud
from img2height.io.grid import BLOCK_PX, Grid
from img2height.io.rasters import (
    Band,
    bounded_cache,
    copy_to_cog,
    create_scratch,
    height_band,
    open_raster,
    read_heights,
    set_tags,
)  # fmt: skip
from img2height.scenes.buckets import RECORD, Count, bucket_of, count_covered, divide_points, reduce_points
from img2height.scenes.filling import MARK_OF
from img2height.scenes.gaps import interpolate_gaps
from img2height.scenes.ground import estimate_terrain
from img2height.settings.ground import GroundFilter, PointRules
from img2height.vocabulary.layers import MISSING, NODATA

logger = logging.getLogger(__name__)

GAPS_PX = 512  # side of the blocks in which gaps are interpolated
NARROW_PX = 8  # narrow gaps are many and need a narrow margin; few valid pixels lie beside the wide ones that remain
TAG, NAMED = "IMG2HEIGHT_", 3  # prefix of tags, and files that they name
LEAST_COVERED = 0.5  # below, most of a surface would be interpolated


def grid_points(
    clouds: Sequence[Cloud], grid: Grid, rules: PointRules, terrain: GroundFilter | bool, folder: Path
) -> Count:
    """Write dsm.tif, dtm.tif and dtm_filled.tif of point clouds, in metres, and return what was found in these.

    The surface shows the highest point of a pixel (or a percentile), the terrain the mean of the ground points. Gaps
    are interpolated up to a width. Where no point is classified as ground, a filter estimates the terrain from the
    lowest points. dtm_filled marks terrain that is further than a gap of the surface from any ground point.

    Args:
        clouds: see `check_cloud`; in any coordinate systems.
        grid: of the result.
        rules: which points count, and how.
        terrain: true: the mean of the ground points; settings of the filter, for points without classes; false: there
            is one, so that only dsm.tif is written.
        folder: existing; the files appear in it.

    Raises:
        DataError: no point lies on the grid, most pixels have none, or none is ground and no filter is declared.
    """
    with bounded_cache(), tempfile.TemporaryDirectory(dir=folder, prefix=".points.") as temporary:
        work = Path(temporary)
        count = divide_points(clouds, grid, rules, work)
        _write_raw(grid, rules, work, count)
        _require_enough(clouds, grid, count, classified=terrain is True)
        filtered = terrain if isinstance(terrain, GroundFilter) else None
        tags = origin_of(clouds, rules, filtered, count)
        gap_px = rules.surface_gap_m / grid.gsd_m
        _write_bridged(grid, work / "surface.tif", gap_px, folder / "dsm.tif", "dsm", tags["dsm"])
        if filtered:
            estimate_terrain(folder, grid, filtered, work / "lowest.tif", tags["dtm"])
        elif terrain:
            wide_px = rules.terrain_gap_m / grid.gsd_m
            _write_bridged(grid, work / "ground.tif", wide_px, folder / "dtm.tif", "dtm", tags["dtm"])
            _mark_far(grid, work / "ground.tif", gap_px, folder)
    return count


def origin_of(
    clouds: Sequence[Cloud], rules: PointRules, terrain: GroundFilter | None, count: Count
) -> dict[str, dict[str, str]]:
    """Return the rules by which the surface and the terrain of point clouds were made, as tags of their rasters."""
    files = ", ".join(cloud.path.name for cloud in clouds[:NAMED]) + (", ..." if len(clouds) > NAMED else "")
    both = {
        f"{TAG}POINTS": f"{count.points} of {len(clouds)} files ({files})",
        f"{TAG}VERTICAL": clouds[0].vertical.name if clouds[0].vertical else "not recorded",
        **({f"{TAG}CONVERTED_TO": clouds[0].converted} if clouds[0].converted else {}),
        f"{TAG}LEFT_OUT": f"classes {', '.join(map(str, rules.left_out))}; points marked as withheld or synthetic",
        f"{TAG}COVERED": f"{count.covered:.4f}",
    }
    surface = f"{rules.surface} of all points, gaps up to {rules.surface_gap_m:g} m interpolated"
    ground = (
        f"morphological filter of the lowest points, {terrain.window_m:g} m"
        if terrain
        else f"mean of classes {', '.join(map(str, rules.ground))}, gaps up to {rules.terrain_gap_m:g} m interpolated"
    )
    return {
        "dsm": {**both, f"{TAG}CELL": rules.surface, f"{TAG}RULE": surface},
        "dtm": {**both, f"{TAG}CELL": "interpolated" if terrain else "mean", f"{TAG}RULE": ground},
    }


def origin_stated(path: Path) -> dict[str, str]:
    """Return the rules by which a raster was made from points, as in its tags, for the manifest of its scene."""
    with open_raster(path) as raster:
        tags = raster.tags()
    return {key.removeprefix(TAG).lower(): text for key, text in tags.items() if key.startswith(TAG)}


def _write_raw(grid: Grid, rules: PointRules, work: Path, count: Count) -> None:
    """Write surface, ground and lowest heights of all pixels with points, missing elsewhere."""
    bands = [height_band("dsm")]
    with (
        create_scratch(work / "surface.tif", grid, bands, "float32", NODATA) as surface,
        create_scratch(work / "ground.tif", grid, bands, "float32", NODATA) as ground,
        create_scratch(work / "lowest.tif", grid, bands, "float32", NODATA) as lowest,
    ):
        for block in grid.blocks():
            bucket = bucket_of(work, int(block.row_off) // BLOCK_PX, int(block.col_off) // BLOCK_PX)
            if not bucket.exists():
                continue
            records = np.fromfile(bucket, RECORD)
            bucket.unlink()
            for raster, heights in zip((surface, ground, lowest), reduce_points(records, rules.surface), strict=True):
                part = heights[: block.height, : block.width]
                raster.write(np.where(np.isfinite(part), part, np.float32(NODATA)), block)
                if raster is surface:
                    count_covered(np.isfinite(part), count)


def _require_enough(clouds: Sequence[Cloud], grid: Grid, count: Count, *, classified: bool) -> None:
    names = clouds[0].path if len(clouds) == 1 else f"{clouds[0].path} and {len(clouds) - 1} more"
    left_out = ", ".join(f"class {number}: {found}" for number, found in sorted(count.left_out.items())) or "none"
    if not count.points:
        raise DataError(
            f"{names}: no point lies on the grid ({grid.crs.to_string()}, {grid.bounds}); points of noise: {left_out}; "
            "check the files and their coordinate system"
        )
    if count.covered < LEAST_COVERED:
        per_pixel = -math.log(1 - count.covered)  # of points at random places
        wanted = grid.gsd_m * math.sqrt(math.log(1 / (1 - LEAST_COVERED)) / per_pixel)
        raise DataError(
            f"{names}: pixels of {grid.gsd_m:g} m are finer than the points lie: {count.covered:.0%} of them have a "
            f"point, the others would be guessed; take pixels of {math.ceil(wanted * 20) / 20:g} m or more"
        )
    if classified and not count.ground:
        raise DataError(
            f"{names}: no point is classified as ground; let a filter estimate the terrain (ground_filter: {{}} in the "
            "dataset file, --ground-filter), or name the classes of the ground"
        )
    logger.info(
        "%s: %d points, %.0f %% of them ground, left out %s; %.0f %% of the pixels have a point", names, count.points,
        100 * count.ground / count.points, left_out, 100 * count.covered,
    )  # fmt: skip


def _write_bridged(grid: Grid, raw: Path, gap_px: float, path: Path, quantity: str, tags: Mapping[str, str]) -> None:
    """Write heights with their gaps interpolated, first the narrow ones, as a COG."""
    for number, widest_px in enumerate(sorted({min(NARROW_PX, gap_px), gap_px})):
        scratch = raw.with_name(f"{quantity}{number}.tif")
        _bridge(grid, raw, widest_px, scratch, quantity)
        raw = scratch
    set_tags(raw, tags)
    copy_to_cog(raw, path)


def _bridge(grid: Grid, raw: Path, widest_px: float, path: Path, quantity: str) -> None:
    margin = math.ceil(widest_px) + 1
    with open_raster(raw) as raster, create_scratch(path, grid, [height_band(quantity)], "float32", NODATA) as out:
        for block in grid.blocks(GAPS_PX):
            window, inside = grid.around(block, margin)
            heights = interpolate_gaps(
                read_heights(raster, window), widest_px, (int(window.row_off), int(window.col_off))
            )
            part = heights[inside]
            out.write(np.where(np.isfinite(part), part, np.float32(NODATA)), block)


def _mark_far(grid: Grid, raw: Path, far_px: float, folder: Path) -> None:
    """Write where the terrain is further than a distance from ground points: 1, 0, 255 missing."""
    scratch, margin = raw.with_name("marks.tif"), math.ceil(far_px) + 1
    name = MARK_OF["dtm"]
    with (
        open_raster(raw) as raster,
        open_raster(folder / "dtm.tif") as terrain,
        create_scratch(scratch, grid, [Band(name)], "uint8", MISSING) as out,
    ):
        for block in grid.blocks(GAPS_PX):
            window, inside = grid.around(block, margin)
            ground = np.isfinite(read_heights(raster, window))
            far = ~ground if not ground.any() else ndimage.distance_transform_edt(~ground) > far_px
            valid = np.isfinite(read_heights(terrain, block))
            out.write(np.where(valid, far[inside], MISSING).astype(np.uint8), block)
    copy_to_cog(scratch, folder / f"{name}.tif", categorical=True)

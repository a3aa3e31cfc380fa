"""Scores of one method over all scenes that it was tested on."""

from collections.abc import Sequence
from pathlib import Path

import geopandas
import numpy as np
import pandas
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.buildings.polygons import extract
from img2height.metrics.evaluate import SceneStatistics, TileScores, evaluate_scene
from img2height.metrics.instances import InstanceStatistics, match_instances
from img2height.metrics.statistics import UNKNOWN
from img2height.rasters import open_raster, read_heights
from img2height.scenes.scene import Scene
from img2height.settings import Metrics
from img2height.tables import read_geotable
from img2height.tiles.areas import area_of, to_map


def evaluate_method(
    scenes: Sequence[Scene],
    heights: Sequence[Path],
    footprints: Sequence[Path],
    polygons: Sequence[Path],
    areas: geopandas.GeoDataFrame,
    settings: Metrics,
) -> tuple[dict, pandas.DataFrame]:
    """Return the scores of a method, pooled over its scenes, and a table of its tiles.

    Args:
        scenes: the scenes, in the order of the three lists of files.
        heights: predicted heights of each scene.
        footprints: predicted building mask of each scene.
        polygons: predicted buildings of each scene, GeoParquet.
        areas: pixel areas of the folds (fold, part, dataset, scene, geometry); the union of the test areas is scored.
        settings: constants of the scores.
    """
    total, found, tables = SceneStatistics.empty(settings.ratio_min_height_m), InstanceStatistics(), []
    for scene, height, footprint, outlines in zip(scenes, heights, footprints, polygons, strict=True):
        area = area_of(areas, "test", scene.dataset, scene.name)
        layers = {name: scene.path(name) for name in ("ndsm", "building", "dtm") if name in scene.layers}
        statistics = evaluate_scene(
            height, layers | {"footprint": footprint}, area, tile_px=settings.tile_px,
            ratio_min_height_m=settings.ratio_min_height_m, ssim_range_m=settings.ssim_range_m,
        )  # fmt: skip
        total += statistics
        found += _match_buildings(scene, read_geotable(outlines), area, settings.instance_iou)
        tables.append(_tile_table(scene, statistics.tiles))
    scores = total.scores()
    similarity = {"ssim": scores.pop("ssim"), "ssim_tiles": scores.pop("ssim_tiles")}
    scores["all"] |= similarity
    return scores | {"instances": found.scores()}, pandas.concat(tables, ignore_index=True)


def reference_buildings(scene: Scene) -> geopandas.GeoDataFrame | None:
    """Return the reference polygons of a scene, else those of its building mask, else None."""
    if "buildings" in scene.layers:
        return read_geotable(scene.path("buildings")).to_crs(scene.grid.crs)
    if "building" not in scene.layers:
        return None
    with open_raster(scene.path("building")) as mask, open_raster(scene.path("ndsm")) as heights:
        return extract(read_heights(heights), mask.read(1), scene.grid.transform, scene.grid.crs, simplify_m=0.0)


def _match_buildings(
    scene: Scene, predicted: geopandas.GeoDataFrame, area: BaseGeometry, iou_min: float
) -> InstanceStatistics:
    """Return the matches among buildings that stand in the area and not on ground of unknown use.

    Buildings are cut at the border of the area, for predictions end there. Where less than half of a reference lies
    inside, it counts on neither side, and what was predicted on that piece does not count either.
    """
    reference = reference_buildings(scene)
    if reference is None:
        return InstanceStatistics()
    ground = to_map(area, scene.grid)
    whole, found = reference.geometry.make_valid(), predicted.geometry.make_valid().intersection(ground)
    inside = whole.intersection(ground)
    counts = inside.area >= whole.area / 2
    ignored = shapely.union_all(inside[~counts].to_numpy())
    found = found[found.intersection(ignored).area * 2 <= found.area]
    sides = [side[~side.is_empty] for side in (found, inside[counts])]
    known = [side[_known_use(scene, side.representative_point())].to_numpy() for side in sides]
    return match_instances(*known, iou_min)


def _known_use(scene: Scene, points: geopandas.GeoSeries) -> np.ndarray:
    """Return a bool array, false where the building mask says 255 (unknown) under a point."""
    if "building" not in scene.layers:
        return np.ones(len(points), dtype=bool)
    with open_raster(scene.path("building")) as mask:
        values = mask.sample(zip(points.x, points.y, strict=True))
        return np.array([value[0] != UNKNOWN for value in values], dtype=bool)


def _tile_table(scene: Scene, tiles: Sequence[TileScores]) -> pandas.DataFrame:
    table = pandas.DataFrame(tiles, columns=TileScores._fields)
    table = table.astype(dict.fromkeys(("mae_m", "rmse_m", "bias_m"), "float64"))
    table.insert(0, "dataset", scene.dataset)
    table.insert(1, "scene", scene.name)
    return table

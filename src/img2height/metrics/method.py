"""Scores of one method over all scenes that it was tested on."""

import logging
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import NamedTuple

import geopandas
import numpy as np
import pandas
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.buildings.polygons import extract
from img2height.errors import DataError
from img2height.metrics.evaluate import SceneStatistics, TileScores, evaluate_scene
from img2height.metrics.instances import InstanceStatistics, match_instances
from img2height.metrics.statistics import UNKNOWN
from img2height.metrics.strata import MASKS
from img2height.rasters import open_raster, read_heights
from img2height.scenes.heights import RELATIVE
from img2height.scenes.scene import Scene
from img2height.settings import Metrics
from img2height.tables import read_geotable
from img2height.tiles.areas import area_of, to_map

logger = logging.getLogger(__name__)


class PairHeights(NamedTuple):
    """The heights that a method saw in one pair of views of a scene; scenes may have different pairs."""

    scene: str
    pair: int
    heights: Path


def evaluate_method(
    scenes: Sequence[Scene],
    heights: Sequence[Path],
    footprints: Sequence[Path],
    polygons: Sequence[Path],
    areas: geopandas.GeoDataFrame,
    settings: Metrics,
    pairs: Sequence[PairHeights] = (),
) -> tuple[dict, pandas.DataFrame]:
    """Return the scores of a method, pooled over its scenes, and a table of its tiles.

    Args:
        scenes: the scenes, at least one, in the order of the three lists of files.
        heights: predicted heights of each scene.
        footprints: predicted building mask of each scene.
        polygons: predicted buildings of each scene, GeoParquet.
        areas: pixel areas of the folds (fold, part, dataset, scene, geometry); the union of the test areas is scored.
        settings: constants of the scores.
        pairs: heights from each pair of views, if the method looks at any: the scores then hold those of each pair
            under `pairs`, by its number, and those of all their errors together under `pooled`.

    Raises:
        DataError: a file cannot be scored, or a pair is of a scene that is not there.
    """
    statistics, found, tables = [], InstanceStatistics(), []
    for scene, height, footprint, outlines in zip(scenes, heights, footprints, polygons, strict=True):
        area = area_of(areas, "test", scene.dataset, scene.name)
        statistics.append(_evaluate(scene, height, area, settings, {"footprint": footprint}))
        found += _match_buildings(scene, read_geotable(outlines), area, settings.instance_iou)
        tables.append(_tile_table(scene, statistics[-1].tiles))
    scores = reduce(add, statistics).scores() | {"instances": found.scores()}
    if aligned := [height for height in heights if _is_relative(height)]:
        scores["alignment"] = f"scale and offset fitted to the reference in each tile of {settings.tile_px} px"
        logger.warning("%s: relative heights; %s", ", ".join(map(str, aligned)), scores["alignment"])
    return scores | _pair_scores(scenes, areas, settings, pairs), pandas.concat(tables, ignore_index=True)


def _is_relative(height: Path) -> bool:
    with open_raster(height) as raster:
        return raster.descriptions[0] == RELATIVE


def _evaluate(
    scene: Scene, height: Path, area: BaseGeometry, settings: Metrics, predicted: Mapping[str, Path]
) -> SceneStatistics:
    layers = {name: scene.path(name) for name in ("ndsm", "dtm", *MASKS) if name in scene.layers}
    return evaluate_scene(
        height, layers | predicted, area, tile_px=settings.tile_px,
        ratio_min_height_m=settings.ratio_min_height_m, ssim_range_m=settings.ssim_range_m,
    )  # fmt: skip


def _pair_scores(
    scenes: Sequence[Scene], areas: geopandas.GeoDataFrame, settings: Metrics, pairs: Sequence[PairHeights]
) -> dict[str, dict]:
    """Return the height scores of each pair over the scenes that have it, and those of the pooled errors of all."""
    if not pairs:
        return {}
    by_name, statistics = {scene.name: scene for scene in scenes}, {}
    for name, pair, heights in pairs:
        if name not in by_name:
            raise DataError(f"{heights}: is of scene {name}, which is not among {', '.join(by_name)}; name its scene")
        area = area_of(areas, "test", by_name[name].dataset, name)
        statistics.setdefault(pair, []).append(_evaluate(by_name[name], heights, area, settings, {}))
    sums = {pair: reduce(add, statistics[pair]) for pair in sorted(statistics)}
    scores = {str(pair): total.height_scores() for pair, total in sums.items()}
    return {"pairs": scores, "pooled": reduce(add, sums.values()).height_scores()}


def reference_buildings(scene: Scene) -> geopandas.GeoDataFrame | None:
    """Return the reference polygons of a scene, else those of its building mask and heights, else None."""
    if "buildings" in scene.layers:
        return read_geotable(scene.path("buildings")).to_crs(scene.grid.crs)
    if not {"building", "ndsm"} <= scene.layers.keys():
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

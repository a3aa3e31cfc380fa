"""Scores of one method over all scenes that it was tested on."""

import logging
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import NamedTuple

import geopandas
import pandas
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError
from img2height.io.rasters import open_raster
from img2height.io.tables import read_geotable
from img2height.metrics.instances import InstanceStatistics
from img2height.scenes.scene import Scene
from img2height.scoring.buildings import match_buildings, reference_buildings
from img2height.scoring.papers import paper_scores
from img2height.scoring.scene import SceneStatistics, evaluate_scene
from img2height.scoring.strata import MASKS
from img2height.scoring.tiles import per_image_scores
from img2height.settings.protocol import Metrics
from img2height.tiles.areas import area_of
from img2height.vocabulary.quantities import RELATIVE

logger = logging.getLogger(__name__)

SCORED_ON = ("ndsm", "dtm", *MASKS, "buildings")  # the layers of a scene that scores depend on


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
    outputs: Sequence[str] = ("height",),
    threads: int = 1,
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
        outputs: `height`, `footprint` or both: what the method tells. Heights that it does not tell are not missed.
        threads: how many read and add up at a time; they change no digit.

    Raises:
        DataError: a file cannot be scored, or a pair is of a scene that is not there.
    """
    reference = [reference_buildings(scene) for scene in scenes]
    statistics, found, tables = [], InstanceStatistics(), []
    files = zip(heights, footprints, polygons, strict=True)
    for scene, buildings, (height, footprint, outlines) in zip(scenes, reference, files, strict=True):
        area = area_of(areas, "test", scene.dataset, scene.name)
        statistics.append(_evaluate(scene, height, area, buildings, settings, {"footprint": footprint}, threads))
        if "height" in outputs:
            _require_predictions(scene, height, statistics[-1], settings)
        found += match_buildings(scene, read_geotable(outlines), buildings, area, settings.instance_iou)
        tables.append(_named(statistics[-1].tiles, scene))
    total, tiles = reduce(add, statistics), pandas.concat(tables, ignore_index=True)
    scores = total.scores()
    paper = paper_scores(scores, total.footprint, total.nonzero, tiles, settings.ssim_range_m)
    scores |= {
        "instances": found.scores(),
        "per_image": per_image_scores(tiles, settings.empty_tiles),
        "paper": paper,
        "correlation": _correlation(scenes, statistics),
    }
    scores |= _quantity(heights, settings.tile_px) | _pair_scores(scenes, reference, areas, settings, pairs, threads)
    return scores, tiles


def _evaluate(
    scene: Scene,
    height: Path,
    area: BaseGeometry,
    buildings: geopandas.GeoDataFrame | None,
    settings: Metrics,
    predicted: Mapping[str, Path],
    threads: int,
) -> SceneStatistics:
    layers = {name: scene.path(name) for name in ("ndsm", "dtm", *MASKS) if name in scene.layers}
    return evaluate_scene(
        height, layers | predicted, area, tile_px=settings.tile_px,
        ratio_min_height_m=settings.ratio_min_height_m, ssim_range_m=settings.ssim_range_m,
        buildings=None if buildings is None else buildings.geometry, threads=threads,
    )  # fmt: skip


def _require_predictions(scene: Scene, height: Path, statistics: SceneStatistics, settings: Metrics) -> None:
    everywhere = statistics.strata["all"]
    missing = everywhere.reference_pixels - everywhere.pixels
    if missing and not settings.allow_missing:
        raise DataError(
            f"{height}: {missing} of {everywhere.reference_pixels} test pixels of scene {scene.dataset}/{scene.name} "
            "have a reference and no prediction; scores would leave them out. Predict them, cut the reference where "
            "the image has no data, or set metrics.allow_missing: true and report the coverage"
        )


def _named(tiles: pandas.DataFrame, scene: Scene) -> pandas.DataFrame:
    """Return the tiles of one scene with its names in front."""
    named = tiles.copy()
    named.insert(0, "dataset", scene.dataset)
    named.insert(1, "scene", scene.name)
    return named.astype({"dataset": "str", "scene": "str"})


def _correlation(scenes: Sequence[Scene], statistics: Sequence[SceneStatistics]) -> dict[str, float | dict | None]:
    """Return the correlation length of the errors in metres: the longest of the scenes, and that of each."""
    lengths = {
        f"{scene.dataset}/{scene.name}": None if length is None else length * scene.grid.gsd_m
        for scene, length in zip(scenes, (each.correlation.length_px() for each in statistics), strict=True)
    }
    return {"length_m": max((v for v in lengths.values() if v is not None), default=None), "scenes": lengths}


def _quantity(heights: Sequence[Path], tile_px: int) -> dict[str, str]:
    """Return what was predicted, from the bands; of relative heights also how they were aligned."""
    found = {}
    for height in heights:
        with open_raster(height) as raster:
            found.setdefault(raster.descriptions[0], height)
    if len(found) > 1:
        listed = ", ".join(f"{path} {name}" for name, path in found.items())
        raise DataError(f"the predictions hold different quantities: {listed}; predict the same for all scenes")
    quantity = next(iter(found))
    if quantity != RELATIVE:
        return {"quantity": quantity}
    alignment = f"scale and offset fitted to the reference in each tile of {tile_px} px"
    logger.warning("%s: relative heights; %s", ", ".join(map(str, heights)), alignment)
    return {"quantity": quantity, "alignment": alignment}


def _pair_scores(
    scenes: Sequence[Scene],
    reference: Sequence[geopandas.GeoDataFrame | None],
    areas: geopandas.GeoDataFrame,
    settings: Metrics,
    pairs: Sequence[PairHeights],
    threads: int,
) -> dict[str, dict]:
    """Return the height scores of each pair over the scenes that have it, and those of the pooled errors of all."""
    if not pairs:
        return {}
    by_name = {scene.name: (scene, buildings) for scene, buildings in zip(scenes, reference, strict=True)}
    statistics: dict[int, list[SceneStatistics]] = {}
    for name, pair, heights in pairs:
        if name not in by_name:
            raise DataError(f"{heights}: is of scene {name}, which is not among {', '.join(by_name)}; name its scene")
        scene, buildings = by_name[name]
        area = area_of(areas, "test", scene.dataset, name)
        found = _evaluate(scene, heights, area, buildings, settings, {}, threads)
        statistics.setdefault(pair, []).append(found)
    sums = {pair: reduce(add, statistics[pair]) for pair in sorted(statistics)}
    scores = {str(pair): total.height_scores() for pair, total in sums.items()}
    return {"pairs": scores, "pooled": reduce(add, sums.values()).height_scores()}

"""Scores of one method over all its test scenes."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Self

import geopandas
import pandas
from shapely.geometry.base import BaseGeometry

from img2height.errors import DataError
from img2height.io.rasters import open_raster
from img2height.io.tables import read_geotable
from img2height.scenes.scene import Scene
from img2height.scoring.building_tiles import BuildingStatistics
from img2height.scoring.buildings import evaluate_buildings, reference_buildings
from img2height.scoring.papers import paper_scores
from img2height.scoring.record import Correlation, MethodScores, Scored, Strata
from img2height.scoring.scene import SceneStatistics, evaluate_scene
from img2height.scoring.strata import MASKS
from img2height.scoring.tiles import per_image_scores
from img2height.settings.protocol import Metrics
from img2height.tiles.areas import area_of
from img2height.vocabulary.quantities import REFERENCES, RELATIVE

logger = logging.getLogger(__name__)

RASTERS = tuple(dict.fromkeys([*REFERENCES, *MASKS]))
SCORED_ON = (*RASTERS, "buildings")  # the layers of a scene that scores depend on


class Predicted(NamedTuple):
    """The predictions of a method for one scene.

    Attributes:
        scene: the scene.
        heights: raster of heights.
        footprint: raster of the building mask.
        polygons: buildings, GeoParquet.
        pairs: rasters of heights by number of the pair of views; scenes may have different pairs.
        interval: raster of the intervals of the heights, if any.
        unfamiliar: raster of how far the inputs are from those of the training, if any.
    """

    scene: Scene
    heights: Path
    footprint: Path
    polygons: Path
    pairs: Mapping[int, Path] = MappingProxyType({})
    interval: Path | None = None
    unfamiliar: Path | None = None

    @classmethod
    def in_folder(cls, scene: Scene, folder: Path, pairs: Iterable[int] = ()) -> Self:
        """Return the predictions of a scene in a folder, by the file names of the workflow.

        Args:
            scene: the scene.
            folder: of its results.
            pairs: numbers of the pairs of views that heights were predicted from.
        """
        of_pairs = {number: folder / f"height_pair{number}.tif" for number in pairs}
        heights, footprint, polygons = folder / "height.tif", folder / "footprint.tif", folder / "buildings.parquet"
        return cls(scene, heights, footprint, polygons, of_pairs, folder / "interval.tif", folder / "unfamiliar.tif")

    @property
    def name(self) -> str:
        """Dataset and name of the scene."""
        return f"{self.scene.dataset}/{self.scene.name}"


class _Evaluated(NamedTuple):
    """A scene, and the inputs and statistics of its scores."""

    predicted: Predicted
    area: BaseGeometry
    buildings: geopandas.GeoDataFrame | None
    statistics: SceneStatistics
    found: BuildingStatistics


def evaluate_method(
    method: str,
    seed: int,
    predictions: Sequence[Predicted],
    areas: geopandas.GeoDataFrame,
    settings: Metrics,
    outputs: Sequence[str] = ("height",),
    threads: int = 1,
) -> Scored:
    """Return the scores of a method, pooled over its scenes, and a table of its tiles.

    Args:
        method: its name.
        seed: of its training.
        predictions: of each scene, at least one.
        areas: pixel areas of the folds (fold, part, dataset, scene, geometry); the union of the test areas is scored.
        settings: constants of the scores.
        outputs: `height`, `footprint` or both. Missing heights are an error only if `height` is an output.
        threads: number of blocks scored at a time; it does not change any digit.

    Raises:
        DataError: a file cannot be scored.
    """
    scenes = []
    for predicted in predictions:
        scene, buildings = predicted.scene, reference_buildings(predicted.scene)
        area, mask = area_of(areas, "test", scene.dataset, scene.name), {"footprint": predicted.footprint}
        statistics = _evaluate(scene, predicted.heights, area, buildings, settings, mask, threads)
        if "height" in outputs:
            _require_predictions(predicted, statistics, settings)
        polygons = _read_buildings(predicted.polygons)
        found = evaluate_buildings(scene, predicted.heights, polygons, buildings, area, settings)
        scenes.append(_Evaluated(predicted, area, buildings, statistics, found))
    total = reduce(add, (each.statistics for each in scenes))
    of_buildings = reduce(add, (each.found for each in scenes))
    tiles = _tiles(method, seed, scenes, [each.statistics.tiles for each in scenes])
    strata = total.height_scores()
    quantity, alignment = _quantity([predicted.heights for predicted in predictions], settings.tile_px)
    pairs, pooled = _pair_scores(scenes, settings, threads)
    scores = MethodScores(
        method=method, seed=seed, quantity=quantity, alignment=alignment, scenes=[p.name for p in predictions],
        strata=strata, footprint=total.footprint.scores(),
        instances=of_buildings.instances.scores(), building_errors=of_buildings.errors(),
        per_image=per_image_scores(tiles, settings.empty_tiles),
        paper=paper_scores(strata, total.footprint, total.nonzero, tiles, settings.ssim_range_m),
        correlation=_correlation(scenes), pairs=pairs, pooled=pooled,
    )  # fmt: skip
    return Scored(scores, tiles, _tiles(method, seed, scenes, [each.found.tiles for each in scenes]))


def _evaluate(
    scene: Scene,
    height: Path,
    area: BaseGeometry,
    buildings: geopandas.GeoDataFrame | None,
    settings: Metrics,
    predicted: Mapping[str, Path],
    threads: int,
) -> SceneStatistics:
    layers = {name: scene.path(name) for name in RASTERS if name in scene.layers}
    return evaluate_scene(
        height, {**layers, **predicted}, area, tile_px=settings.tile_px,
        ratio_min_height_m=settings.ratio_min_height_m, ssim_range_m=settings.ssim_range_m,
        buildings=None if buildings is None else buildings.geometry, threads=threads,
    )  # fmt: skip


def _require_predictions(predicted: Predicted, statistics: SceneStatistics, settings: Metrics) -> None:
    everywhere = statistics.strata["all"]
    missing = everywhere.reference_pixels - everywhere.pixels
    if missing and not settings.allow_missing:
        raise DataError(
            f"{predicted.heights}: {missing} of {everywhere.reference_pixels} test pixels of scene {predicted.name} "
            "have a reference but no prediction and would not be scored; predict them, set the reference to nodata "
            "where the image is nodata, or set metrics.allow_missing: true and report the coverage"
        )


def _read_buildings(path: Path) -> geopandas.GeoDataFrame:
    """Return predicted buildings with their heights and volumes."""
    buildings = read_geotable(path)
    if missing := [name for name in ("height_m", "volume_m3") if name not in buildings]:
        raise DataError(f"{path}: has no column {missing[0]!r}; extract the buildings again with this version")
    return buildings


def _tiles(
    method: str, seed: int, scenes: Sequence[_Evaluated], tables: Sequence[pandas.DataFrame]
) -> pandas.DataFrame:
    """Return the tables of tiles of all scenes as one, preceded by columns of names."""
    named = []
    for one, tiles in zip(scenes, tables, strict=True):
        names = {"dataset": one.predicted.scene.dataset, "scene": one.predicted.scene.name}
        table = tiles.assign(method=method, seed=seed, **names).astype(dict.fromkeys(names, "str"))
        named.append(table[["method", "seed", *names, *tiles.columns]])
    return pandas.concat(named, ignore_index=True)


def _correlation(scenes: Sequence[_Evaluated]) -> Correlation:
    """Return the correlation length of the errors in metres: the maximum over the scenes, and that of each.

    None stands for a length beyond what can be measured, so it is the maximum.
    """
    lengths: dict[str, float | None] = {}
    for one in scenes:
        length_px = one.statistics.correlation.length_px()
        lengths[one.predicted.name] = None if length_px is None else length_px * one.predicted.scene.grid.gsd_m
    measured = [length_m for length_m in lengths.values() if length_m is not None]
    return Correlation(length_m=max(measured, default=0.0) if len(measured) == len(lengths) else None, scenes=lengths)


def _quantity(heights: Sequence[Path], tile_px: int) -> tuple[str, str | None]:
    """Return the predicted quantity according to the bands, and the alignment of relative heights."""
    found: dict[str, Path] = {}
    for height in heights:
        with open_raster(height) as raster:
            found.setdefault(raster.descriptions[0], height)
    if len(found) > 1:
        listed = ", ".join(f"{path} {name}" for name, path in found.items())
        raise DataError(f"the predictions contain different quantities: {listed}; predict the same for all scenes")
    quantity = next(iter(found))
    if quantity != RELATIVE:
        return quantity, None
    alignment = f"scale and offset fitted to the reference in each tile of {tile_px} px"
    logger.warning("%s: relative heights; %s", ", ".join(map(str, heights)), alignment)
    return quantity, alignment


def _pair_scores(scenes: Sequence[_Evaluated], settings: Metrics, threads: int) -> tuple[dict[int, Strata], Strata]:
    """Return the height scores of each pair over the scenes that have it, and those of all pairs pooled."""
    statistics: dict[int, list[SceneStatistics]] = {}
    for predicted, area, buildings, *_ in scenes:
        for pair, heights in predicted.pairs.items():
            found = _evaluate(predicted.scene, heights, area, buildings, settings, {}, threads)
            statistics.setdefault(pair, []).append(found)
    sums = {pair: reduce(add, statistics[pair]) for pair in sorted(statistics)}
    scores = {pair: total.height_scores() for pair, total in sums.items()}
    return scores, reduce(add, sums.values()).height_scores() if sums else {}

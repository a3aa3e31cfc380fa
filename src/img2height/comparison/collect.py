"""Collects the scores of all methods and seeds of an experiment: metrics, their intervals, and the comparisons."""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas

from img2height.comparison.blocks import Blocks
from img2height.comparison.bootstrap import Resampled, draw_blocks, resample
from img2height.comparison.pairwise import COMPARED, compare, of_footprints
from img2height.comparison.record import Comparison, ExperimentScores, Interval, Protocol
from img2height.errors import DataError
from img2height.io.tables import by_columns
from img2height.metrics.correlation import block_side
from img2height.scoring.building_tiles import building_scores, building_sums
from img2height.scoring.record import MethodScores, Scored
from img2height.scoring.tiles import scores_of_sums, tile_sums
from img2height.settings.protocol import Metrics, Split
from img2height.vocabulary.quantities import quantity_of
from img2height.vocabulary.scores import of_kind
from img2height.vocabulary.tiles import TILE

logger = logging.getLogger(__name__)


class Collected(NamedTuple):
    """The results of an experiment: the content of metrics.json, intervals.csv and comparisons.csv."""

    metrics: ExperimentScores
    intervals: list[Interval]
    comparisons: list[Comparison]


def by_method(scores: Iterable[MethodScores]) -> dict[str, dict[int, MethodScores]]:
    """Return scores by method and seed.

    Args:
        scores: each of one method and seed.

    Raises:
        DataError: there are none, or two of one method and seed.
    """
    methods: dict[str, dict[int, MethodScores]] = {}
    for entry in scores:
        seeds = methods.setdefault(entry.method, {})
        if entry.seed in seeds:
            raise DataError(f"the scores of {entry.method}, seed{entry.seed}, are given twice; give each file once")
        seeds[entry.seed] = entry
    if not methods:
        raise DataError("there are no scores to collect; evaluate at least one method")
    return methods


def collect_experiment(scored: Sequence[Scored], gsd_m: float, settings: Metrics, split: Split) -> Collected:
    """Return the scores of an experiment with their intervals and the comparisons of its methods.

    Args:
        scored: one entry per method and seed, as written by `evaluate`.
        gsd_m: pixel size of the scenes, the finest if they differ.
        settings: constants of the scores.
        split: how the scenes were split.

    Raises:
        DataError: there are no scores, two of one method and seed, or methods that were scored on different areas.
    """
    scored = sorted(scored, key=lambda one: (one.scores.method, one.scores.seed))
    methods = by_method(one.scores for one in scored)
    side_px = block_side([one.scores.correlation.length_m for one in scored], settings.tile_px, gsd_m)
    blocks = Blocks.of(pandas.concat([table[TILE] for one in scored for table in (one.tiles, one.buildings)]), side_px)
    _require_same_pixels(scored)
    drawn, first_seed = draw_blocks(len(blocks.keys)), min(one.scores.seed for one in scored)
    block_m, intervals, tested = side_px * gsd_m, [], {}
    for one in scored:
        entry = one.scores
        if not _complete(entry):
            logger.warning("%s: did not predict all pixels; its heights are not compared", entry.method)
        found = list(_resampled(entry, one.tiles, blocks, drawn))
        found += _resampled_buildings(entry, one.buildings, blocks, drawn)
        for stratum, score, values in found:
            low, high = values.interval(blocks.neighbours) or (math.nan, math.nan)
            row = (entry.method, entry.seed, stratum, score, values.value, low, high, values.blocks, block_m)
            intervals.append(Interval(*row))
        if entry.seed == first_seed:
            tested[entry.method] = {
                (stratum, score): values for stratum, score, values in found if _compared(entry, stratum, score)
            }
    protocol = Protocol(
        split=split.strategy, leaks=split.strategy == "random", ratio_min_height_m=settings.ratio_min_height_m,
        tile_px=settings.tile_px, block_m=block_m,
    )  # fmt: skip
    quantities = {one.scores.method: one.scores.quantity for one in scored}
    metrics = ExperimentScores(methods=methods, protocol=protocol)
    return Collected(metrics, seed_spread(intervals), compare(tested, quantities, blocks.neighbours))


def seed_spread(intervals: Sequence[Interval]) -> list[Interval]:
    """Return intervals with the mean and the standard deviation of their score over the seeds.

    The interval covers the choice of the test area, the deviation that of the training's random start; it is NaN with a
    single seed.

    Args:
        intervals: one per seed.
    """
    values = pandas.DataFrame(intervals).groupby(["method", "stratum", "score"]).value
    spread = zip(intervals, values.transform("mean"), values.transform("std"), strict=True)
    return [interval._replace(seed_mean=mean, seed_sd=deviation) for interval, mean, deviation in spread]


def _resampled(
    entry: MethodScores, tiles: pandas.DataFrame, blocks: Blocks, drawn: np.ndarray
) -> Iterator[tuple[str, str, Resampled]]:
    """Yield stratum, name and resamples of each score that has a value, in the order of the strata in the tiles.

    The value is the exact one; if that from coarse bins differs, the resamples are shifted with it.
    """
    masks = of_kind("mask")
    for (stratum,), frame in by_columns(tiles, ["stratum"]):
        sums = blocks.add_up(frame, tile_sums(frame))
        for score, found in resample(sums, drawn, scores_of_sums).items():
            value = entry.group("footprint" if score in masks else stratum).get(score)
            if value is not None and (stratum == "all" or score not in masks):
                yield stratum, score, found.moved(value)


def _resampled_buildings(
    entry: MethodScores, tiles: pandas.DataFrame, blocks: Blocks, drawn: np.ndarray
) -> Iterator[tuple[str, str, Resampled]]:
    """Yield the same of the scores of buildings."""
    for (stratum,), frame in by_columns(tiles, ["stratum"]):
        sums = blocks.add_up(frame, building_sums(stratum, frame))
        for score, found in resample(sums, drawn, partial(building_scores, stratum)).items():
            value = entry.group(stratum).get(score)
            if value is not None:
                yield stratum, score, found.moved(value)


def _compared(entry: MethodScores, stratum: str, score: str) -> bool:
    """Return whether methods are compared by a score, and this method may be."""
    return (stratum, score) in COMPARED and (of_footprints(stratum, score) or _complete(entry))


def _complete(entry: MethodScores) -> bool:
    """Return whether a method predicted all pixels; one that leaves out difficult ones would win."""
    return entry.group("all")["coverage"] == 1


def _require_same_pixels(scored: Iterable[Scored]) -> None:
    """Raise a DataError unless all methods of one kind were scored on the same pixels of the same tiles.

    Building heights are missing where the building mask is, and their reference has other height classes.
    """
    compared = {stratum for stratum, _ in COMPARED}
    first: dict[str, tuple[str, pandas.Series]] = {}
    for entry, frame, _ in scored:
        rows = frame[frame.stratum.isin(compared) & (frame.reference_pixels > 0)]
        own = rows.set_index([*TILE, "stratum"]).reference_pixels.sort_index()
        other, theirs = first.setdefault(quantity_of(entry.quantity).group.name, (entry.method, own))
        if not own.equals(theirs):
            raise DataError(
                f"{entry.method} (seed {entry.seed}) was scored on another area than {other}: {own.sum()} and "
                f"{theirs.sum()} reference pixels in {len(own)} and {len(theirs)} tiles and strata; evaluate both "
                "again, with the same scenes, areas and settings"
            )

"""The table of intervals: how often they contain the reference, and how wide they are."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from img2height.comparison.record import Coverage
from img2height.conformal.calibration import LEVEL
from img2height.report.tables.intervals import Uncertainty
from img2height.report.tables.ranking import Cell
from img2height.scoring.intervals import BUILDINGS, PIXELS
from img2height.scoring.strata import STRATA

KINDS = (PIXELS, BUILDINGS)


class CoverageRow(NamedTuple):
    """The intervals of a method in one class.

    Attributes:
        method: its name.
        kind: pixels or buildings.
        title: of the class of predicted heights.
        coverage: share of the reference inside, with its 95 % interval.
        width: mean width in metres.
        bounded: share of the heights that have an interval.
        number: of the pixels or buildings.
    """

    method: str
    kind: str
    title: str
    coverage: Cell
    width: Cell
    bounded: Cell
    number: int


def coverage_table(uncertainty: Uncertainty, methods: Sequence[str]) -> list[CoverageRow]:
    """Return the intervals of each method in order, over all heights first, then by class.

    Args:
        uncertainty: with the coverages.
        methods: in the order of the page.
    """
    order = {name: place for place, name in enumerate([*methods, *KINDS, *STRATA])}
    written = [one for one in _shown(uncertainty) if one.level == LEVEL and one.method in methods]
    written.sort(key=lambda one: (order[one.method], order[one.kind], order[one.stratum]))
    return [_row(one) for one in written]


def over_all_pixels(uncertainty: Uncertainty, methods: Sequence[str]) -> list[Coverage]:
    """Return the coverages at all levels over all pixels that have an interval, by method and level."""
    found = [one for one in _shown(uncertainty) if (one.kind, one.stratum) == (PIXELS, "all")]
    found = [one for one in found if one.method in methods and not math.isnan(one.coverage)]
    return sorted(found, key=lambda one: (methods.index(one.method), one.level))


def _shown(uncertainty: Uncertainty) -> list[Coverage]:
    return [one for one in uncertainty.coverages if one.seed == uncertainty.seed]


def _row(one: Coverage) -> CoverageRow:
    interval = "" if math.isnan(one.low) else f"{one.low:.3f} to {one.high:.3f}"
    cells = (_cell(one.coverage, 3, interval), _cell(one.width_m, 2), _cell(one.bounded, 3))
    title = "all heights" if one.stratum == "all" else f"predicted {STRATA[one.stratum]}"
    return CoverageRow(one.method, one.kind, title, *cells, one.number)


def _cell(value: float, digits: int, interval: str = "") -> Cell:
    return Cell("–" if math.isnan(value) else f"{value:.{digits}f}", value, interval, False)

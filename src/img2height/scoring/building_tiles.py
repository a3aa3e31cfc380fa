"""Statistics of buildings by tile, so that their scores can be resampled with the same blocks as those of pixels.

A building belongs to the tile that a point inside it lies in; a match belongs to the tile of its reference building.
Buildings are matched once, over the whole test area.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pandas
import shapely

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.tables import read_table
from img2height.metrics.buildings import CLASSES, BuildingErrors, InstanceStatistics, unit_of
from img2height.metrics.formulas import scores_of
from img2height.vocabulary.score import Kind
from img2height.vocabulary.tiles import CORNER, SCENE

INSTANCES, FOUND, GIVEN = "instances", "found", "given"  # strata; the last two also by class

Terms = Mapping[str, Sequence[pandas.DataFrame]]  # tables of terms by stratum; their index is the tile
Errors = dict[str, BuildingErrors]  # by class of `CLASSES`


# Functions: values that are computed on import would make every program that loads the module depend on the scores.
def fields(kind: Kind) -> list[str]:
    """Return the fields of the statistics behind scores of a kind."""
    return InstanceStatistics.names() if kind == "buildings" else BuildingErrors.names()


def columns() -> list[str]:
    """Return the columns of building_tiles.parquet."""
    return [*CORNER, "stratum", *fields("buildings"), *fields("building_errors")]


def stratum_of(group: str, name: str) -> str:
    """Return the stratum of a class of buildings; that of all buildings is the group itself."""
    return group if name == "all" else f"{group}.{name}"


def kind_of(stratum: str) -> Kind:
    """Return the kind of the scores of a stratum."""
    return "buildings" if stratum == INSTANCES else "building_errors"


def tiles_of(shapes: np.ndarray, grid: Grid, tile_px: int) -> pandas.MultiIndex:
    """Return column and row of the upper left pixel of the tile that each building belongs to.

    Args:
        shapes: polygons in map coordinates.
        grid: of the scene.
        tile_px: side of the tiles.
    """
    points = grid.from_map(shapely.point_on_surface(shapes))
    corners = shapely.get_coordinates(np.asarray(points, dtype=object)) // tile_px * tile_px
    return pandas.MultiIndex.from_arrays(list(corners.astype(np.int64).T), names=CORNER)


@dataclass(frozen=True)
class BuildingStatistics:
    """Statistics of the buildings of one scene or of a sum of scenes.

    Attributes:
        instances: found, false and missed buildings, and the outlines of the found ones.
        found: errors of the found buildings: those of the predicted table against the reference.
        given: errors of the heights that were predicted inside the reference outlines, whatever was found.
        tiles: the table of the tiles of one scene, see `columns`; empty in a sum of scenes.
    """

    instances: InstanceStatistics = field(default_factory=InstanceStatistics)
    found: Errors = field(default_factory=lambda: {name: BuildingErrors() for name in CLASSES})
    given: Errors = field(default_factory=lambda: {name: BuildingErrors() for name in CLASSES})
    tiles: pandas.DataFrame = field(default_factory=lambda: _table({}), compare=False)

    @classmethod
    def of_terms(cls, terms: Terms) -> Self:
        """Return the sums of the terms of buildings."""
        tiles, total = dict(_summed(terms)), {}
        for group in (FOUND, GIVEN):
            strata = {name: stratum_of(group, name) for name in CLASSES}
            total[group] = {
                name: BuildingErrors.of_terms(tiles[stratum]) if stratum in tiles else BuildingErrors()
                for name, stratum in strata.items()
            }
        return cls(InstanceStatistics.of_terms(tiles[INSTANCES]), **total, tiles=_table(tiles))

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.instances + other.instances,
            {name: errors + other.found[name] for name, errors in self.found.items()},
            {name: errors + other.given[name] for name, errors in self.given.items()},
        )

    def errors(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """Return the scores of `found` and `given` by class; other classes than `all` only with buildings."""
        groups = {FOUND: self.found, GIVEN: self.given}
        return {
            group: {name: one.scores() for name, one in errors.items() if name == "all" or one.buildings or one.volumes}
            for group, errors in groups.items()
        }


def _summed(terms: Terms) -> Iterator[tuple[str, pandas.DataFrame]]:
    """Yield each stratum and the sums of its terms by tile, int64."""
    for stratum, tables in terms.items():
        names = fields(kind_of(stratum))
        whole = pandas.concat([table.reindex(columns=names, fill_value=0) for table in tables])
        yield stratum, whole.groupby(level=CORNER).sum()


def _table(tiles: Mapping[str, pandas.DataFrame]) -> pandas.DataFrame:
    """Return the rows of all strata with `columns`; fields of the other kind of statistics are missing."""
    parts = [
        sums.div([unit_of(str(name)) for name in sums]).reset_index().assign(stratum=stratum)
        for stratum, sums in tiles.items()
        if len(sums)
    ]
    table = pandas.concat(parts) if parts else pandas.DataFrame(columns=columns())
    types = dict.fromkeys(CORNER, "int64") | {"stratum": "str"}
    return table.reindex(columns=columns()).astype(dict.fromkeys(columns(), "float64") | types)


def read_building_tiles(path: Path) -> pandas.DataFrame:
    """Return the table of a method and seed: dataset, scene and `columns`.

    Raises:
        DataError: the file is missing, or lacks a column.
    """
    table = read_table(path)
    if missing := [name for name in (*SCENE, *columns()) if name not in table]:
        raise DataError(f"{path}: has no column {missing[0]!r}; was it written by another version? Evaluate again")
    return table


def building_sums(stratum: str, tiles: pandas.DataFrame) -> dict[str, np.ndarray]:
    """Return the sums of rows of one stratum by field, float64, for `building_scores`."""
    return {name: tiles[name].to_numpy(np.float64) for name in fields(kind_of(stratum))}


def building_scores(stratum: str, sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return all scores of many sums of a stratum at once, NaN if nothing counts; names as in scores.json."""
    return scores_of(kind_of(stratum), **sums)

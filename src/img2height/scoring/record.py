"""The scores of one method and seed as a record, the content of scores.json."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas
from pydantic import Field, model_validator

from img2height.io.records import Record, read_record
from img2height.io.tables import write_json
from img2height.scoring.building_tiles import read_building_tiles
from img2height.scoring.strata import STRATA
from img2height.scoring.tiles import read_tiles

Values = dict[str, int | float | None]  # scores and counts by name; None if nothing counts
Strata = dict[str, Values]  # scores of heights by stratum


class Correlation(Record):
    """Correlation length of the errors in metres, None where it exceeds a tile.

    Attributes:
        length_m: the longest of the scenes.
        scenes: by dataset/scene.
    """

    length_m: float | None
    scenes: dict[str, float | None]


class MethodScores(Record):
    """The scores of one method and seed, pooled over its test scenes.

    Attributes:
        method: its name.
        seed: of its training.
        quantity: what it predicts.
        scenes: dataset/scene of each test scene.
        strata: scores of heights; in JSON, each stratum is a key of the record itself.
        footprint: scores of the building mask.
        instances: scores of whole buildings.
        building_errors: errors of the heights and volumes of buildings by class of height and area: of the found ones
            (`found`), and of the heights predicted inside the reference outlines (`given`).
        per_image: unweighted means over tiles: `all` for heights, `footprint` for masks.
        paper: by paper, the scores under its convention.
        correlation: correlation length of the errors.
        alignment: of relative heights to the reference; None for heights in metres.
        pairs: scores of the heights from each stereo pair by its number; empty without views.
        pooled: scores of the errors of all pairs together.
    """

    method: str
    seed: int
    quantity: str
    scenes: list[str]
    strata: Strata
    footprint: Values
    instances: Values
    building_errors: dict[str, Strata] = Field(default_factory=dict)
    per_image: dict[str, Values]
    paper: dict[str, Any]
    correlation: Correlation
    alignment: str | None = None
    pairs: dict[int, Strata] = Field(default_factory=dict)
    pooled: Strata = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_strata(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "strata" in value:
            return value
        return {key: item for key, item in value.items() if key not in STRATA} | {
            "strata": {key: item for key, item in value.items() if key in STRATA}
        }

    def group(self, name: str) -> Values:
        """Return the scores of a stratum or of another group of `GROUPS`; empty if it was not scored.

        `found.<class>` and `given.<class>` are the errors of a class of buildings.
        """
        errors, _, kind = name.partition(".")
        if errors in self.building_errors:
            return self.building_errors[errors].get(kind or "all", {})
        return {"footprint": self.footprint, "instances": self.instances}.get(name) or self.strata.get(name, {})

    def to_json(self) -> dict[str, Any]:
        """Return the content of scores.json."""
        left_out = {name for name in ("alignment", "pairs", "pooled") if not getattr(self, name)}
        value = self.model_dump(mode="json", exclude=left_out)
        return value.pop("strata") | value


class Scored(NamedTuple):
    """The results of the evaluation of one method and seed.

    Attributes:
        scores: over all scenes.
        tiles: sums over pixels by tile and stratum.
        buildings: sums over buildings by tile and stratum.
    """

    scores: MethodScores
    tiles: pandas.DataFrame
    buildings: pandas.DataFrame


def read_scored(scores: Path, tiles: Path, buildings: Path) -> Scored:
    """Return the content of scores.json, tiles.parquet and building_tiles.parquet of a method and seed."""
    return Scored(read_scores(scores), read_tiles(tiles), read_building_tiles(buildings))


def write_scores(scores: MethodScores, path: Path) -> None:
    """Write scores.json."""
    write_json(scores.to_json(), path)


def read_scores(path: Path) -> MethodScores:
    """Return the scores of a scores.json, or raise a DataError that names it."""
    return read_record(MethodScores, path, "evaluate the method again")

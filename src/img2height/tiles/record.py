"""The audit of the folds as a record: the content of audit.json."""

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, model_serializer, model_validator

from img2height.errors import FoldError
from img2height.io.records import Record, read_record
from img2height.io.tables import write_json

Number = int | float  # an empty sum is a whole 0, in JSON too
DISTANCE = "distance_m"


class NearestTiles(Record):
    """The nearest tiles of two parts.

    Attributes:
        tiles: name of the tile by part; in JSON, each part is a key of the record itself.
        distance_m: between them.
    """

    tiles: dict[str, str]
    distance_m: float

    @model_validator(mode="before")
    @classmethod
    def _gather_tiles(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "tiles" in value:
            return value
        tiles = {part: name for part, name in value.items() if part != DISTANCE}
        return {key: item for key, item in value.items() if key == DISTANCE} | {"tiles": tiles}

    @model_serializer
    def _by_part(self) -> dict[str, str | float]:
        return {**self.tiles, DISTANCE: self.distance_m}


class FoldAudit(Record):
    """The findings on one fold; pairs of parts are named as in `train-test`.

    Attributes:
        tiles: number of tiles by part.
        area_m2: area by part.
        shared_px: pixels that two parts share within scenes.
        shared_m2: area that two scenes show in different parts.
        distance_m: between two parts, within and between scenes; None if they are never close.
        nearest_tiles: of two parts; None if no two are close.
        strays: tiles that are not completely inside the area of their part.
    """

    tiles: dict[str, int]
    area_m2: dict[str, Number]
    shared_px: dict[str, Number]
    shared_m2: dict[str, Number]
    distance_m: dict[str, Number | None]
    nearest_tiles: dict[str, NearestTiles | None]
    strays: list[str]


class Audit(Record):
    """The findings on all folds.

    Attributes:
        buffer_m: distance that parts must keep from each other.
        half_tile_m: the recommended buffer.
        folds: findings by number of the fold.
        test_overlap_px: by dataset/scene, test pixels that are in two folds.
        remarks: sentences on what is allowed but unusual.
        leaks: sentences on what must not be.
        copied_tiles: pairs of tiles that show one image in different parts.
    """

    buffer_m: float
    half_tile_m: float
    folds: dict[int, FoldAudit]
    test_overlap_px: dict[str, Number]
    remarks: list[str]
    leaks: list[str]
    copied_tiles: list[tuple[str, str]] = Field(default_factory=list)

    def mean_area_m2(self, part: str) -> float:
        """Return the area of a part, the mean over the folds."""
        return float(np.mean([fold.area_m2[part] for fold in self.folds.values()]))


def refuse_leaks(audit: Audit) -> None:
    """Raise a FoldError that lists the leaks found by an audit, if there are any."""
    if leaks := audit.leaks:
        raise FoldError(f"the folds leak, {len(leaks)} findings: " + "; ".join(leaks))


def write_audit(audit: Audit, path: Path) -> None:
    """Write audit.json."""
    write_json(audit.model_dump(mode="json"), path)


def read_audit(path: Path) -> Audit:
    """Return the findings of an audit.json, or raise a DataError that names it."""
    return read_record(Audit, path, "audit the folds again")

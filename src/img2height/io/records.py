"""Checked records of JSON files, so that no caller reads nested keys."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from img2height.errors import DataError
from img2height.io.tables import read_json


class Record(BaseModel):
    """Base of records that programs write and others read: unknown keys are errors, values are constant."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Kind = TypeVar("Kind", bound=Record)


def read_record(kind: type[Kind], path: Path, remedy: str) -> Kind:
    """Return the record in a JSON file.

    Args:
        kind: the record.
        path: its file.
        remedy: what to do if the file contains no such record.

    Raises:
        DataError: the file does not exist, or contains no such record.
    """
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"{path}: {place}: {first['msg']}; was it written by another version? {remedy}") from error

"""Checked records of JSON files, so that no caller reads nested keys."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from img2height.errors import DataError
from img2height.io.tables import SEAL, read_json, read_sealed


class Record(BaseModel):
    """Base of records that programs write and others read: unknown keys are errors, values are constant."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OfWeights(Record):
    """Base of what was found out about a model after its training.

    Attributes:
        weights_sha256: digest of its weights.
    """

    weights_sha256: str


Kind = TypeVar("Kind", bound=Record)
Found = TypeVar("Found", bound=OfWeights)


def read_record(kind: type[Kind], path: Path, remedy: str) -> Kind:
    """Return the record in a JSON file.

    Args:
        kind: the record.
        path: its file.
        remedy: what to do if the file contains no such record.

    Raises:
        DataError: the file does not exist, or contains no such record.
    """
    return _checked(kind, read_json(path), path, remedy)


def read_of_weights(kind: type[Found], path: Path, weights_sha256: str | None, remedy: str) -> Found:
    """Return the record in a sealed JSON file about a model.

    Args:
        kind: the record.
        path: its file.
        weights_sha256: digest of the weights that it has to be of; None accepts any.
        remedy: what to do if the file contains no such record, or one of other weights.

    Raises:
        DataError: the file is missing, altered, of another version, or of other weights.
    """
    value = {key: item for key, item in read_sealed(path).items() if key != SEAL}
    found = _checked(kind, value, path, remedy)
    if weights_sha256 not in (None, found.weights_sha256):
        raise DataError(
            f"{path}: is of weights with the SHA-256 digest {found.weights_sha256}, the model has {weights_sha256}; "
            f"{remedy}"
        )
    return found


def _checked(kind: type[Kind], value: Any, path: Path, remedy: str) -> Kind:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"{path}: {place}: {first['msg']}; was it written by another version? {remedy}") from error

"""What all settings share: unknown keys are refused, numbers are finite, values do not change after reading.

The unit of a number is part of its name (`_m`, `_m2`, `_px`, `_deg`) or given by its type (Share, Factor, Count).
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints, create_model
from pydantic_core import CoreSchema, core_schema

Item = TypeVar("Item")


def _no_twins(values: list[Item]) -> list[Item]:
    """Return the list, or raise a ValueError if it contains an item twice."""
    if twins := [value for n, value in enumerate(values) if value in values[:n]]:
        raise ValueError(f"{twins[0]!r} is listed twice; list each once")
    return values


def _forward(interval: tuple[float, float]) -> tuple[float, float]:
    """Return the interval, or raise a ValueError if it is empty or reversed."""
    if interval[0] >= interval[1]:
        raise ValueError(f"[{interval[0]}, {interval[1]}] is empty; write the smaller share first")
    return interval


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=64)]  # names files and folders
Share = Annotated[float, Field(ge=0, le=1, json_schema_extra={"unit": "share"})]
Factor = Annotated[float, Field(json_schema_extra={"unit": "1"})]
Count = Annotated[int, Field(json_schema_extra={"unit": "count"})]
Interval = Annotated[tuple[Share, Share], AfterValidator(_forward)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # the range that numpy and torch accept
Distinct = Annotated[list[Item], AfterValidator(_no_twins)]


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors, numbers are finite, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Named(Settings):
    """Base of the settings files that contain their own name."""

    name: Name = Field(description="the same as the name of the file")


SettingsModel = TypeVar("SettingsModel", bound=Settings)


class OneOf:
    """Annotation of a text that must be one of the given names, like a `Literal`: `Annotated[str, OneOf(names)]`."""

    def __init__(self, names: Iterable[str]):
        self.names = list(names)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self.names)


def with_fields(fields: dict[str, Any]) -> Callable[[type[SettingsModel]], type[SettingsModel]]:
    """Return a class decorator that adds fields from a table to settings.

    Args:
        fields: by name, the type and the `Field`.
    """
    return lambda settings: create_model(
        settings.__name__, __base__=settings, __doc__=settings.__doc__, __module__=settings.__module__, **fields
    )

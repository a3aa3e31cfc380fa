"""What all settings share: unknown keys are refused, values are checked and do not change."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints, create_model
from pydantic_core import CoreSchema, core_schema

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Share = Annotated[float, Field(ge=0, le=1)]
Interval = tuple[Share, Share]


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OneOf:
    """Marks a text that must be one of declared names, as a `Literal` of them would: `Annotated[str, OneOf(names)]`."""

    def __init__(self, names: Iterable[str]):
        self.names = list(names)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self.names)


def with_fields(fields: dict[str, Any]) -> Callable[[type[Settings]], Any]:
    """Return a class decorator that adds fields from a table to settings.

    Args:
        fields: by name, its type and its `Field`.
    """
    return lambda settings: create_model(
        settings.__name__, __base__=settings, __doc__=settings.__doc__, __module__=settings.__module__, **fields
    )

"""What all settings share: unknown keys are refused, values are checked and do not change."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Share = Annotated[float, Field(ge=0, le=1)]
Interval = tuple[Share, Share]


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

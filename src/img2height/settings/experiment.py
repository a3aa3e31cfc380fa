"""Experiment files as checked models. Unknown keys are refused."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from img2height.settings.base import Distinct, Name, Named, Seed
from img2height.vocabulary.parts import PARTS, SPLIT, Role

Fold = Annotated[int, Field(ge=0)]


class Experiment(Named):
    """An experiment file: scenes and their roles, methods, folds, seeds, and overrides of other settings."""

    title: str = Field(description="title of the report")
    scenes: dict[Name, dict[Name, Role]] = Field(
        description="role of each scene, by dataset and scene; split: divided by params.split"
    )
    methods: Annotated[Distinct[Name], Field(min_length=1)] | Literal["all"] = Field(
        description="recipes that are trained, in this order, and compared; all: all recipes found"
    )
    folds: Distinct[Fold] | Literal["all"] = Field("all", description="numbers of the folds to run, from 0")
    seeds: Distinct[Seed] = Field(
        [0], min_length=1, description="one training per seed; intervals and tests are computed for the first one"
    )
    params: dict[str, dict[str, Any]] = Field({}, description="keys of the protocol that differ from params.yaml")
    recipes: dict[Name, dict[str, Any]] = Field(
        {}, description="keys of recipes that differ from their files, by method; nested keys are merged"
    )

    @model_validator(mode="after")
    def _has_scenes(self) -> "Experiment":
        roles = {role for scenes in self.scenes.values() for role in scenes.values()}
        if SPLIT not in roles and not set(PARTS) <= roles:
            raise ValueError("scenes: needs a scene with the role split, or scenes for each of train, val and test")
        return self

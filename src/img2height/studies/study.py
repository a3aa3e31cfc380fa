"""Checked models of study files, and the experiments that they define."""

from typing import Any, Literal

from pydantic import Field, model_validator

from img2height.settings.base import Name, Named, Settings
from img2height.settings.parsing import merge

BASELINE = "mean_height"  # in every variant: the score to beat on the same area
RANDOM, BLOCKED = "random", "blocked"


class Variant(Settings):
    """One experiment of a study."""

    label: str = Field(description="name in figures")
    changes: dict[str, Any] = Field({}, description="keys of the experiment file that differ from the study's")


class Study(Named):
    """A study file: experiments that differ in one respect, and the question that they answer."""

    title: str = Field(description="title of the figure")
    question: Literal["leakage", "transfer", "area"] = Field(
        description="leakage compares the variants random and blocked; transfer has one variant per scene, named after "
        "its training scene; area has variants with increasing training area"
    )
    base: Name = Field(description="the experiment that all variants modify")
    method: Name = Field(description="the method under study; mean_height runs as well")
    changes: dict[str, Any] = Field(
        {}, description="keys of the experiment file that differ from the base in all variants"
    )
    variants: dict[Name, Variant] = Field(
        min_length=2,
        description="by name, in the order of table and figure; their experiments are called `<study>_<variant>`",
    )

    @model_validator(mode="after")
    def _has_the_variants_of_its_question(self) -> "Study":
        if self.question == "leakage" and set(self.variants) != {RANDOM, BLOCKED}:
            raise ValueError(f"question leakage compares the variants {RANDOM} and {BLOCKED}: name exactly these")
        return self


def experiments(study: Study, base: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return by variant the content of its experiment file.

    Nested keys are merged, but scenes replace those of the base, and recipes of methods that do not run are removed.

    Args:
        study: the study.
        base: content of the base experiment's file.
    """
    return {name: _experiment(study, base, name, variant) for name, variant in study.variants.items()}


def _experiment(study: Study, base: dict[str, Any], name: str, variant: Variant) -> dict[str, Any]:
    experiment = base
    for changes in (study.changes, variant.changes):
        kept = {key: value for key, value in experiment.items() if key != "scenes" or key not in changes}
        experiment = merge(kept, changes)
    methods = [study.method, BASELINE]
    recipes = {method: keys for method, keys in experiment.get("recipes", {}).items() if method in methods}
    title = f"{study.title}: {variant.label}"
    return experiment | {"name": f"{study.name}_{name}", "title": title, "methods": methods, "recipes": recipes}

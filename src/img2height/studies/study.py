"""Study files as checked models, and the experiments that they stand for."""

from typing import Any, Literal

from pydantic import Field, model_validator

from img2height.settings.base import Name, Settings
from img2height.settings.parsing import merge

BASELINE = "mean_height"  # in every variant: what a network has to beat on the same ground
RANDOM, BLOCKED = "random", "blocked"


class Variant(Settings):
    """One experiment of a study: its name in figures, and the keys of the experiment file that it changes."""

    label: str
    changes: dict[str, Any] = Field(default_factory=dict)


class Study(Settings):
    """A study file.

    Attributes:
        name: the file's name; the experiments are called `<name>_<variant>`.
        title: what the figure is called.
        question: `leakage` compares the variants `random` and `blocked`; `transfer` has one variant for each scene,
            called like the scene that it trains in; `area` has variants that train on more and more ground.
        base: the experiment that all variants change.
        method: the method that is studied; `mean_height` runs beside it.
        changes: keys of the experiment file that differ from the base in all variants.
        variants: by name, in the order of table and figure.
    """

    name: Name
    title: str
    question: Literal["leakage", "transfer", "area"]
    base: Name
    method: Name
    changes: dict[str, Any] = Field(default_factory=dict)
    variants: dict[Name, Variant] = Field(min_length=2)

    @model_validator(mode="after")
    def _has_the_variants_of_its_question(self) -> "Study":
        if self.question == "leakage" and set(self.variants) != {RANDOM, BLOCKED}:
            raise ValueError(f"question leakage compares the variants {RANDOM} and {BLOCKED}: name exactly these")
        return self


def experiments(study: Study, base: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return by variant the content of its experiment file.

    Nested keys are merged, but scenes take the place of the base's, and recipes of methods that do not run go.

    Args:
        study: the study.
        base: content of the experiment file that it starts from.
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

"""The other experiments from whose models the trainings of the experiment of config/config.yaml start.

dvc.yaml and the Makefile read them: python workflow/rules/starts.py
"""

from pathlib import Path
from typing import Any

import yaml


def starts_of(experiment: dict[str, Any]) -> list[str]:
    """Return the names of these experiments, in the order of the recipes of an experiment file."""
    recipes = [recipe or {} for recipe in (experiment.get("recipes") or {}).values()]
    folders = [Path(recipe["init_from"]).parts for recipe in recipes if recipe.get("init_from")]
    names = [parts[1] for parts in folders if len(parts) > 1 and parts[0] == "models"]
    return [name for name in dict.fromkeys(names) if name != experiment["name"]]


if __name__ == "__main__":
    config = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))
    file = Path(config["experiments"], f"{config['experiment']}.yaml")
    print(*starts_of(yaml.safe_load(file.read_text(encoding="utf-8"))))
